import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { Cgroup, Cgroups } from '../../response/cgroup.ts';
import type { Finding } from '../../service/posture-board.ts';
import type { GuardCapability } from '../guard-back-end.ts';
import { CANARY_ADDRESS, CANARY_PORT, type CanaryReport } from './canary-program.ts';
import type { Original } from './kernel-layout.ts';

export const CANARY_GROUP = 'canary-network-';
const TIMEOUT_MS = 20_000;
const REFUSED = '5';
const REMEMBERED = 16;

const Report: z.ZodType<CanaryReport> = z.strictObject({
  connection: z.string(),
  datagram: z.string(),
  name: z.string(),
});

/** What a canary saw, and what was seen of it. */
interface Trial {
  readonly report: CanaryReport;
  /** Where the agent was told that its connection was to go. */
  readonly original: Original | undefined;
  readonly pid: number;
}

/**
 * A real process below the product's control group, which tries what is not permitted: evidence that the programs in
 * the kernel do what they are there for.
 */
export class NetworkCanary {
  readonly #cgroups: Cgroups;
  readonly #command: readonly string[];
  /** By group. */
  readonly #originals = new Map<bigint, Original>();
  readonly #groups = new Set<bigint>();
  #running: Promise<Trial> | undefined;

  /** @param command words that start {@link runCanary} */
  constructor(cgroups: Cgroups, command: readonly string[]) {
    this.#cgroups = cgroups;
    this.#command = command;
  }

  /** Whether something is a canary's, and so nothing that happened. */
  owns(group: bigint): boolean {
    return this.#groups.has(group);
  }

  /** Its connection has arrived. */
  arrived(original: Original): void {
    this.#originals.set(original.group, original);
  }

  /**
   * @param told the group before anything is tried in it, and its name when it is over
   * @param isHeld whether the policy in force refuses anything
   */
  async probe(
    capability: GuardCapability,
    told: { prepare: (group: Cgroup) => bigint; over: (group: string) => void },
    isHeld: boolean,
  ): Promise<Finding> {
    // Three capabilities are proven at the same time, by one process.
    this.#running ??= this.#try(told).finally(() => {
      this.#running = undefined;
    });
    const fault = faultOf(capability, await this.#running);
    if (fault !== undefined) return { state: 'unavailable', reason: fault };
    return isHeld
      ? { state: 'enforced', reason: PROVEN[capability] ?? '' }
      : {
          state: 'observing',
          reason: `${PROVEN[capability]}, but the policy in force only records`,
          byPolicy: true,
        };
  }

  async #try({ prepare, over }: Parameters<NetworkCanary['probe']>[1]): Promise<Trial> {
    const cgroup = this.#cgroups.create(`${CANARY_GROUP}${randomUUID()}`);
    const group = prepare(cgroup);
    this.#groups.add(group);
    // What the kernel says of it may be read later, but not hours later.
    const [oldest] = this.#groups;
    if (this.#groups.size > REMEMBERED && oldest !== undefined) this.#groups.delete(oldest);
    const [program = '', ...parameters] = this.#command;
    const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'ignore'], timeout: TIMEOUT_MS });
    const gone = once(child, 'close');
    try {
      const report = await reportOf(child, cgroup);
      return { report, original: this.#originals.get(group), pid: child.pid ?? 0 };
    } finally {
      child.kill('SIGKILL');
      await gone;
      await cgroup.waitEmpty(TIMEOUT_MS);
      cgroup.remove();
      this.#originals.delete(group);
      over(cgroup.name);
    }
  }
}

async function reportOf(child: ChildProcess, cgroup: Cgroup): Promise<CanaryReport> {
  await once(child, 'spawn');
  if (child.pid === undefined || child.stdin === null || child.stdout === null || !cgroup.add(child.pid)) {
    throw new Error('a test process could not be moved to a control group');
  }
  child.stdin.on('error', () => {});
  child.stdin.end();
  const said = await text(child.stdout);
  if (said === '') throw new Error('a test process said nothing');
  return Report.parse(JSON.parse(said));
}

const PROVEN: Partial<Record<GuardCapability, string>> = {
  'kernel.network': "a test process's datagram past the proxy was refused by the kernel",
  'kernel.redirect': "a test process's connection was led to the agent, with its destination and process",
  'kernel.names': "a test process's question for a forbidden name was refused",
};

/** @returns undefined when everything was as it should be */
function faultOf(capability: GuardCapability, { report, original, pid }: Trial): string | undefined {
  switch (capability) {
    case 'kernel.network':
      return report.datagram === 'EPERM' ? undefined : `a datagram past the proxy: ${report.datagram}`;
    case 'kernel.redirect': {
      const wanted = `${CANARY_ADDRESS}:${CANARY_PORT}`;
      if (report.connection !== wanted) return `a connection to ${wanted} came to ${report.connection}`;
      const isKnown = original?.pid === pid && `${original.address}:${original.port}` === wanted;
      return isKnown ? undefined : 'a connection was led away without its destination or process';
    }
    case 'kernel.names':
      return report.name === REFUSED ? undefined : `a question for a forbidden name: ${report.name}`;
    default:
      return 'not proven here';
  }
}
