import { type FSWatcher, watch } from 'node:fs';
import type { ActingAgent, PolicySnapshot, RequestingAgent } from '@raypher/policy';
import { type AiAgent, RaypherError } from '@raypher/shared';
import type { Logger } from 'pino';
import type { Inventory } from '../discovery/inventory.ts';
import { maskArguments } from '../discovery/mask.ts';
import { readProcFile } from '../discovery/procfs.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Cgroups } from '../response/cgroup.ts';
import { acquireLock } from '../service/lock.ts';
import type { Finding } from '../service/posture-board.ts';
import type { Part } from '../service/supervisor.ts';
import { compileGuardPolicy } from './compile-guard-policy.ts';
import { type DenialContext, DenialLog } from './denial-log.ts';
import { GUARD_CAPABILITIES, type GuardBackEnd, type GuardCapability } from './guard-back-end.ts';
import type { GuardDenial, GuardPolicy, Unexpressed } from './guard-policy.ts';

export interface GuardPartOptions {
  /** Strongest first: what the first cannot hold, the next may. */
  backEnds: readonly GuardBackEnd[];
  /** Why there is no back end at all; undefined when there are some. */
  unavailable: string | undefined;
  /** Turned off in the configuration: nothing is to hold anybody. */
  isOff: boolean;
  /** Told when something is in force in the kernel; takes it out again, if this agent put it there. */
  traces: KernelTraces;
  /** Held while it works: two agents must not change one kernel. */
  lockFile: string;
  /** The policy in force and everything about an AI agent but what it does. */
  acting: (agent: RequestingAgent | null) => { snapshot: PolicySnapshot; acting: ActingAgent };
  inventory: Inventory;
  cgroups: Cgroups | undefined;
  record: (event: EventDraft) => void;
  log: Pick<Logger, 'info' | 'error'>;
  /** What is in force changed: prove it again. */
  changed: () => void;
}

export interface KernelTraces {
  note: () => void;
  remove: () => void;
}

/** What holds for one control group. */
export interface Governed {
  readonly policy: GuardPolicy;
  readonly unexpressed: readonly Unexpressed[];
}

/** Control groups of AI agents: started by `raypher run`, adopted, or proving that the guard works. */
const GOVERNED = /^(?:run|adopted)-/;
/** Windows of time open and close on the minute. */
const RECONSIDER_EVERY_MS = 30_000;

/** Holds the AI agents of this machine to the policy in the kernel, as far as this kernel can. */
export class GuardPart implements Part {
  readonly name = 'guard';
  readonly #options: GuardPartOptions;
  readonly #denials: DenialLog;
  readonly #governed = new Map<string, Governed>();
  readonly #reasons = new Map<GuardBackEnd, string>();
  #working: GuardBackEnd[] = [];
  #locked: string | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(options: GuardPartOptions) {
    this.#options = options;
    this.#denials = new DenialLog(options.record, (denial) => this.#contextOf(denial));
  }

  async start(fail: (error: unknown) => void): Promise<() => Promise<void>> {
    const { backEnds, inventory, log } = this.#options;
    this.#working = [];
    this.#reasons.clear();
    if (this.#options.isOff) this.#removeTraces();
    const release = this.#lock();
    if (release === undefined) return async () => {};
    const events = {
      denied: (denial: GuardDenial) => this.#denials.note(denial),
      lost: (count: number) => this.#denials.lost(count),
    };
    for (const backEnd of backEnds) {
      try {
        await backEnd.start(events);
        this.#working.push(backEnd);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#reasons.set(backEnd, reason);
        log.info({ backEnd: backEnd.name, reason }, 'a guard cannot be used');
      }
    }
    if (this.isWorking) this.#options.traces.note();
    const reconsider = (): void => void this.reconsider().catch(fail);
    const watcher = this.#watchGroups(reconsider);
    const timer = setInterval(reconsider, RECONSIDER_EVERY_MS);
    for (const event of ['appeared', 'changed', 'vanished'] as const) inventory.on(event, reconsider);
    await this.reconsider();
    this.#options.changed();
    return async () => {
      clearInterval(timer);
      watcher?.close();
      for (const event of ['appeared', 'changed', 'vanished'] as const) inventory.off(event, reconsider);
      await this.#queue;
      for (const backEnd of this.#working) await backEnd.stop();
      this.#working = [];
      this.#denials.flush();
      release();
    };
  }

  /** Some back end is in force: what is in a group of its own is held to the policy. */
  get isWorking(): boolean {
    return this.#working.length > 0;
  }

  uses(name: GuardBackEnd['name']): boolean {
    return this.#working.some((backEnd) => backEnd.name === name);
  }

  /** Applies what the policy says now to every group, where it differs from what is in force there. */
  reconsider(): Promise<void> {
    const work = this.#queue.then(() => this.#applyAll());
    // Whoever asked hears of a failure; the next one begins all the same.
    this.#queue = work.catch(() => {});
    return work;
  }

  /** Another policy is in force. */
  policyChanged(): void {
    void this.reconsider().catch((error: unknown) => {
      this.#options.log.error({ error: String(error) }, 'a policy could not be given to the kernel');
    });
  }

  /** What holds for a group; it is applied first when the group is new. */
  async govern(group: string): Promise<Governed | undefined> {
    if (!this.#governed.has(group)) await this.reconsider();
    return this.#governed.get(group);
  }

  /**
   * Makes ready for a command that is about to enter a group: what the kernel can hold there it holds when this is done.
   *
   * @param group undefined: it will be in none, so that nothing in the kernel knows it
   * @returns what `raypher run` has to hold it to by itself, unless the kernel holds the files there
   */
  async prepare(group: string | undefined): Promise<{ policy: GuardPolicy | null; filesAreHeld: boolean }> {
    if (this.#options.isOff) return { policy: null, filesAreHeld: false };
    const governed = group === undefined ? undefined : await this.govern(group);
    const { snapshot, acting } = this.#options.acting(group === undefined ? null : this.#agentIn(group));
    return {
      policy: compileGuardPolicy(snapshot, acting).policy,
      filesAreHeld: governed !== undefined && this.uses('lsm'),
    };
  }

  /** One probe for each capability, for the posture board. */
  probes(): [capability: GuardCapability, probe: () => Promise<Finding>][] {
    return GUARD_CAPABILITIES.map((capability) => [capability, () => this.#probe(capability)]);
  }

  /** What a back end that works says of a capability; when none holds it, why. */
  async #probe(capability: GuardCapability): Promise<Finding> {
    const { backEnds, unavailable = this.#locked } = this.#options;
    if (unavailable !== undefined) return { state: 'unavailable', reason: unavailable };
    const reasons: string[] = [];
    for (const backEnd of backEnds.filter(({ capabilities }) => capabilities.includes(capability))) {
      const missing = this.#reasons.get(backEnd);
      const finding = missing === undefined ? await backEnd.probe(capability) : undefined;
      if (finding !== undefined && finding.state !== 'unavailable') return finding;
      reasons.push(`${backEnd.name}: ${finding?.reason ?? missing}`);
    }
    return { state: 'unavailable', reason: reasons.join('; ') || 'nothing on this machine can hold it' };
  }

  #removeTraces(): void {
    const { lockFile, traces, log } = this.#options;
    try {
      const release = acquireLock(lockFile);
      try {
        traces.remove();
      } finally {
        release();
      }
    } catch (error) {
      // Another agent works with it, or it is not ours to take out.
      log.info({ reason: String(error) }, 'what may be in force in the kernel stays');
    }
  }

  /** @returns how to let go; undefined when there is nothing to do here */
  #lock(): (() => void) | undefined {
    const { unavailable, lockFile } = this.#options;
    this.#locked = undefined;
    if (unavailable !== undefined) return undefined;
    try {
      return acquireLock(lockFile);
    } catch (error) {
      if (!(error instanceof RaypherError) || error.code !== 'service/already-running') throw error;
      this.#locked = 'another agent on this machine holds the guard';
      return undefined;
    }
  }

  async #applyAll(): Promise<void> {
    const { cgroups } = this.#options;
    if (cgroups === undefined || this.#working.length === 0) return;
    const groups = cgroups.list().filter((name) => GOVERNED.test(name));
    for (const group of groups) await this.#apply(group);
    for (const group of this.#governed.keys()) {
      if (groups.includes(group)) continue;
      this.#governed.delete(group);
      for (const backEnd of this.#working) backEnd.forget(group);
    }
  }

  async #apply(group: string): Promise<void> {
    const { snapshot, acting } = this.#options.acting(this.#agentIn(group));
    const { policy, unexpressed } = compileGuardPolicy(snapshot, acting);
    const before = this.#governed.get(group)?.policy;
    if (before?.digest === policy.digest && before.revision === policy.revision) return;
    const left = [...unexpressed];
    for (const backEnd of this.#working) left.push(...(await backEnd.apply(group, policy)));
    this.#governed.set(group, { policy, unexpressed: left });
  }

  /** `null`: nobody knows yet who is in there, so that what restricts holds. */
  #agentIn(group: string): RequestingAgent | null {
    const found = this.#aiAgentIn(group);
    if (found === undefined) return null;
    const { id, name, user, libraries } = found;
    return { id, name, user, libraries };
  }

  #aiAgentIn(group: string): AiAgent | undefined {
    const { agents } = this.#options.inventory.current;
    const pids = this.#options.cgroups?.open(group)?.occupants(agents.flatMap(({ processes }) => processes));
    return agents.find(({ processes }) => processes.some(({ pid }) => pids?.has(pid)));
  }

  #contextOf({ group, pid, processName, rule, blocked, reason }: GuardDenial): DenialContext {
    const agent = this.#aiAgentIn(group);
    const governed = this.#governed.get(group);
    const list = governed?.policy.lists.find(({ layer }) => layer === rule?.layer);
    const said = list?.rules.find(({ id }) => id === rule?.id);
    return {
      actor:
        agent === undefined
          ? { kind: 'process', id: '', name: processName, pid }
          : { kind: 'ai-agent', id: agent.id, name: agent.name, pid, user: agent.user },
      verdict: rule && {
        outcome: 'DENY',
        mode: blocked ? 'enforce' : 'monitor',
        layer: rule.layer,
        rule: rule.id,
        reason: reason ?? said?.reason ?? `The default of the ${rule.layer} layer is deny.`,
        revision: governed?.policy.revision ?? 0,
      },
      commandLine: maskArguments(argumentsOf(pid)),
    };
  }

  /** Told by the file system when a group appears; the timer is for file systems that do not. */
  #watchGroups(changed: () => void): FSWatcher | undefined {
    const folder = this.#options.cgroups?.folder;
    if (folder === undefined) return undefined;
    try {
      return watch(folder, changed).on('error', () => {});
    } catch {
      return undefined;
    }
  }
}

/** Empty when the process has ended, as one that was refused a program may have. */
function argumentsOf(pid: number): string[] {
  const read = readProcFile(`/proc/${pid}/cmdline`, (bytes) => bytes.toString('utf8').split('\0'));
  return read.ok ? read.value.filter((argument, at, all) => argument !== '' || at < all.length - 1) : [];
}
