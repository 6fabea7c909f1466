import { readFileSync, readlinkSync } from 'node:fs';
import { uptime } from 'node:os';
import { dirname } from 'node:path';
import { RingBuffer } from '../../native/libbpf.ts';
import type { Finding } from '../../service/posture-board.ts';
import {
  GUARD_CAPABILITIES,
  type GuardBackEnd,
  type GuardBackEndEvents,
  type GuardCapability,
} from '../guard-back-end.ts';
import type { GuardDenial, GuardPolicy, Unexpressed } from '../guard-policy.ts';
import { encodePolicy } from './encode-policy.ts';
import { type Mount, readMounts } from './file-identity.ts';
import { GroupNumbers } from './group-numbers.ts';
import { GuardPrograms, removeGuardPrograms } from './guard-programs.ts';
import { MAPS, uint32, uint64 } from './layout.ts';
import { LoadedPolicies } from './loaded-policies.ts';
import { type OwnPlaces, ownList } from './own-protection.ts';
import { type Destination, encodeDestination } from './permitted-destinations.ts';
import { type GuardEvent, readEvent, ruleOf } from './read-event.ts';
import { resolvePlace } from './resolve-place.ts';

export interface LsmBackEndOptions {
  /** Made by bpf/build.mjs. */
  readonly objectFile: () => string;
  /** The product's part of the control-group hierarchy (`<cgroup2>/raypher`). */
  readonly cgroupFolder: string;
  readonly pinRoot?: string;
  /** What of the product is kept from AI agents; pins and control groups are in any case. */
  readonly own: OwnPlaces;
  /** Processes of the product's beside this one. */
  readonly processes?: readonly number[];
  /** Loopback ports of the proxy: connections there always pass. Asked with each sign of life. */
  readonly proxyPorts?: () => readonly number[];
  /** Whether another back end leads connections to the proxy. Asked with each sign of life. */
  readonly isRedirected?: () => boolean;
  readonly destinations?: readonly Destination[];
  /**
   * How long after its last sign of life AI agents still get connections, in milliseconds; policies in monitor mode
   * are not affected. Undefined: for ever.
   */
  readonly lifeSignMs?: number;
  /** Proves a capability by trying what is forbidden. */
  readonly canary?: (backEnd: LsmBackEnd, capability: GuardCapability) => Promise<Finding>;
}

const PIN_ROOT = '/sys/fs/bpf/raypher';
const READ_EVERY_MS = 50;
/** Files that appear where a pattern with wildcards names them are found within this time. */
const RESOLVE_EVERY_MS = 30_000;
const FIRST = uint32(0);

interface Running {
  readonly programs: GuardPrograms;
  readonly groups: GroupNumbers;
  readonly policies: LoadedPolicies;
  readonly ring: RingBuffer;
  readonly timers: readonly NodeJS.Timeout[];
}

/** Enforcement inside the kernel by BPF programs of its security modules' hooks (T1). */
export class LsmBackEnd implements GuardBackEnd {
  readonly name = 'lsm';
  readonly capabilities: readonly GuardCapability[] = GUARD_CAPABILITIES.filter(
    (capability) => capability !== 'kernel.redirect' && capability !== 'kernel.names',
  );
  readonly #options: LsmBackEndOptions;
  readonly #policyOf = new Map<string, GuardPolicy>();
  #running: Running | undefined;
  #events: GuardBackEndEvents | undefined;
  /** As they were when events began to be read. */
  #mounts: readonly Mount[] | undefined;
  readonly #listeners = new Set<(denial: GuardDenial) => void>();

  constructor(options: LsmBackEndOptions) {
    this.#options = options;
  }

  get pinRoot(): string {
    return this.#options.pinRoot ?? PIN_ROOT;
  }

  /** Hooks that this kernel does not have: what they would stop is not stopped. */
  get missingHooks(): readonly string[] {
    return this.#running?.programs.missingHooks ?? [];
  }

  /** Whether an earlier agent's programs were in force at the start. */
  get wasInForce(): boolean {
    return this.#running?.programs.wereAdopted ?? false;
  }

  async start(events: GuardBackEndEvents): Promise<void> {
    const programs = GuardPrograms.open(this.#options.objectFile(), this.pinRoot);
    this.#events = events;
    this.#protectProcesses(programs);
    for (const destination of this.#options.destinations ?? []) {
      for (const key of encodeDestination(destination)) programs.map('destinations').set(key, uint32(1));
    }
    const running: Running = {
      programs,
      groups: new GroupNumbers(this.#options.cgroupFolder, programs.map('groups')),
      policies: new LoadedPolicies(programs),
      ring: new RingBuffer(programs.mapFd('events'), (record) => this.#take(readEvent(record))),
      timers: [
        setInterval(() => this.drain(), READ_EVERY_MS).unref(),
        setInterval(() => this.signLife(), Math.max(1000, (this.#options.lifeSignMs ?? 60_000) / 4)).unref(),
        setInterval(() => void this.resolveAgain().catch(() => {}), RESOLVE_EVERY_MS).unref(),
      ],
    };
    this.#running = running;
    this.signLife();
  }

  async apply(group: string, policy: GuardPolicy): Promise<readonly Unexpressed[]> {
    const { groups, policies } = this.#started();
    const own = ownList({
      ...this.#options.own,
      hidden: [...this.#options.own.hidden, this.pinRoot],
      kept: [...this.#options.own.kept, dirname(this.#options.cgroupFolder)],
    });
    const loaded = policies.load(encodePolicy(policy, own, { mounts: readMounts(), resolve: resolvePlace }));
    policies.assign(groups.numberOf(group), loaded);
    this.#policyOf.set(group, policy);
    return [...loaded.unexpressed, ...this.#missing()];
  }

  /** Looks again at what is at the places that policies name. */
  async resolveAgain(): Promise<void> {
    for (const [group, policy] of this.#policyOf) await this.apply(group, policy);
  }

  forget(group: string): void {
    const { groups, policies } = this.#started();
    this.#policyOf.delete(group);
    const number = groups.forget(group);
    if (number !== undefined) policies.unassign(number);
  }

  async probe(capability: GuardCapability): Promise<Finding> {
    if (this.#running === undefined)
      return { state: 'unavailable', reason: 'the kernel programs are not loaded' };
    const { canary } = this.#options;
    if (canary === undefined) return { state: 'unavailable', reason: 'there is no canary for it' };
    return canary(this, capability);
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.drain();
    this.#running = undefined;
    for (const timer of running.timers) clearInterval(timer);
    running.policies.stop();
    running.ring.close();
    running.programs.close();
  }

  async remove(): Promise<void> {
    await this.stop();
    removeGuardPrograms(this.pinRoot);
  }

  /** Hands over what the kernel has told so far, also while there was no agent. */
  drain(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#mounts = undefined;
    running.ring.consume();
    const lost = countLost(running.programs);
    const reported = running.programs.map('reported').get(FIRST)?.readBigUInt64LE() ?? 0n;
    if (lost <= reported) return;
    running.programs.map('reported').set(FIRST, uint64(lost));
    this.#events?.lost(Number(lost - reported));
  }

  /** As long as it is repeated, AI agents get connections. */
  signLife(): void {
    const { lifeSignMs, isRedirected, proxyPorts, cgroupFolder } = this.#options;
    const value = Buffer.alloc(MAPS.settings.value);
    const deadline = lifeSignMs === undefined ? 0n : BigInt(Math.round((uptime() * 1000 + lifeSignMs) * 1e6));
    value.writeBigUInt64LE(deadline, 0);
    value.writeUInt32LE(isRedirected?.() === true ? 1 : 0, 8);
    value.writeUInt32LE(levelOf(cgroupFolder), 12);
    for (const [index, port] of (proxyPorts?.() ?? []).slice(0, 4).entries())
      value.writeUInt16LE(port, 16 + index * 2);
    this.#started().programs.map('settings').set(FIRST, value);
  }

  /** Follows denials until the returned function is called. */
  listen(listener: (denial: GuardDenial) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(event: GuardEvent): void {
    const { groups, policies } = this.#started();
    this.#mounts ??= readMounts();
    const denial = denialOf(
      event,
      this.#mounts,
      groups.nameOf(event.group),
      ruleOf(event, policies.get(event.policy)?.lists ?? []),
    );
    for (const listener of this.#listeners) listener(denial);
    this.#events?.denied(denial);
  }

  #missing(): Unexpressed[] {
    return this.missingHooks.map((hook) => ({
      layer: 'local',
      rule: hook,
      because: `this kernel has no hook ${hook}`,
    }));
  }

  /** Of an agent that has ended nothing is left: its number may be another process's. */
  #protectProcesses(programs: GuardPrograms): void {
    const map = programs.map('protected');
    for (const key of map.keys()) map.delete(key);
    for (const pid of [process.pid, ...(this.#options.processes ?? [])])
      map.set(uint32(pid), uint64(startOf(pid)));
  }

  #started(): Running {
    if (this.#running === undefined) throw new TypeError('start() comes first');
    return this.#running;
  }
}

function denialOf(
  event: GuardEvent,
  mounts: readonly Mount[],
  group: string | undefined,
  rule: GuardDenial['rule'],
): GuardDenial {
  const ago = uptime() * 1000 - Number(event.at) / 1e6;
  return {
    at: new Date(Date.now() - ago),
    backEnd: 'lsm',
    blocked: event.blocked,
    operation: event.operation,
    target: event.destination ?? withMount(event, mounts) ?? (event.number === 0 ? '' : String(event.number)),
    pid: event.pid,
    processName: event.processName,
    group: group ?? `group ${event.group}`,
    rule,
    arguments: event.arguments,
    ancestors: event.ancestors,
  };
}

/** The kernel tells the path within a file system; where that is mounted the agent adds. */
function withMount(event: GuardEvent, mounts: readonly Mount[]): string | undefined {
  if (event.path === undefined) return undefined;
  const mount = mounts.find(({ dev }) => dev === event.dev);
  return mount === undefined || mount.path === '/' ? event.path : `${mount.path}${event.path}`;
}

function countLost(programs: GuardPrograms): bigint {
  const values = programs.map('lost').get(FIRST) ?? Buffer.alloc(0);
  let sum = 0n;
  for (let at = 0; at + 8 <= values.length; at += 8) sum += values.readBigUInt64LE(at);
  return sum;
}

/** Since boot, in hundredths of a second: field 22 of /proc/PID/stat. */
function startOf(pid: number): bigint {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return BigInt(fields[19] ?? 0);
}

/** In the first control-group namespace, folders of the hierarchy are levels of the kernel's. */
function levelOf(cgroupFolder: string): number {
  const mount = readMounts().find(({ path }) => path === dirname(cgroupFolder));
  return mount === undefined || !isFirstNamespace() ? 0 : 2;
}

function isFirstNamespace(): boolean {
  return readlinkSync('/proc/self/ns/cgroup') === 'cgroup:[4026531835]';
}
