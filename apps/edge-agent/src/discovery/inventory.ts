import { EventEmitter } from 'node:events';
import type { AiAgent } from '@raypher/shared';
import type { ProcessEvent } from '../native/process-connector.ts';
import { describeAgent } from './describe.ts';
import { type Assessment, Examiner } from './examine.ts';
import { type AgentGroup, groupAgents, type Tracked } from './group.ts';
import { modelName } from './models.ts';
import { type ProductOptions, ProductProcesses } from './product.ts';
import { ProcessScanner, type ScannedProcess, STILL_HASHING } from './scan.ts';
import { loadSignatures, type Signatures } from './signatures.ts';
import { isAlive, processKey } from './stat.ts';

/** A process of this boot. */
export interface ProcessRef {
  pid: number;
  startTime: number;
}

export interface InventorySnapshot {
  atMs: number;
  processes: readonly ScannedProcess[];
  agents: readonly AiAgent[];
}

export type AgentChange = 'code' | 'signatures' | 'libraries' | 'models' | 'risk';

export interface InventoryEvents {
  appeared: [agent: AiAgent];
  changed: [after: AiAgent, changes: AgentChange[], before: AiAgent];
  vanished: [agent: AiAgent];
}

export interface InventoryOptions extends ProductOptions {
  /** Id of the device; part of every AI agent's id. */
  device: string;
  signatures?: Signatures;
  scanner?: ProcessScanner;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** When an AI agent was first seen, from the store; milliseconds since the epoch. */
  firstSeen?: (agentId: string) => number | undefined;
  /** Milliseconds that a refresh waits for executables never hashed before. */
  hashBudgetMs?: number;
}

/** Between two looks at the files a process has loaded, milliseconds. */
const FIRST_LOOK_MS = 1000;
const LAST_LOOK_MS = 60_000;
/** A program is looked at by itself for so long; later what it loads is found by the looks at all processes, as soon. */
const YOUNG_MS = 30_000;
/** Hashes that are not there yet, and ended processes that wait to be collected: at first. */
const UNSETTLED_MS = 250;
/** Figures of AI agents. */
const FIGURES_MS = 5000;
/** Looks that nothing has asked for happen together, at multiples of this. */
const TOGETHER_MS = 500;
/** What events asked for is wanted at once; a hash that takes longer comes with the next look. */
const UPDATE_HASH_BUDGET_MS = 50;
const MOST_AGAIN = 3;
const MAX_MODELS = 64;
const MAX_EARLY_CALLS = 1000;
/** AI agents remembered beyond their end. Whoever starts scripts under ever new names must not fill the memory. */
const MAX_REMEMBERED = 10_000;

/**
 * The AI agents on this device.
 *
 * `refresh()` is cheap enough to call twice a second: a process that still runs the same program is only read
 * one line of. Events are emitted at the end of a refresh, when the snapshot already shows them.
 */
export class Inventory extends EventEmitter<InventoryEvents> {
  readonly #options: InventoryOptions;
  readonly #scanner: ProcessScanner;
  readonly #examiner: Examiner;
  readonly #product: ProductProcesses;
  readonly #now: () => number;
  readonly #firstSeen = new Map<string, number>();
  /** Models that an AI agent called; they outlive the process that did it. */
  readonly #called = new Map<string, Set<string>>();
  /** Calls of processes that no scan has seen yet. */
  readonly #earlyCalls = new Map<string, { process: ProcessRef; models: Set<string> }>();
  #tracked = new Map<string, Tracked>();
  #own: ReadonlySet<number> = new Set();
  #frozen: ReadonlySet<string> = new Set();
  #snapshot: InventorySnapshot = { atMs: 0, processes: [], agents: [] };
  /** Pids that are to be looked at again without an event, and when (performance.now()). */
  #due = new Map<number, number>();
  #refreshing: Promise<InventorySnapshot> | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: InventoryOptions) {
    super();
    this.#options = options;
    this.#scanner = options.scanner ?? new ProcessScanner();
    this.#examiner = new Examiner(options.signatures ?? loadSignatures());
    this.#product = new ProductProcesses(options);
    this.#now = options.now ?? Date.now;
  }

  /** The result of the last refresh. */
  get current(): InventorySnapshot {
    return this.#snapshot;
  }

  /** Looks at all processes. A call during a refresh waits for that one. */
  refresh(): Promise<InventorySnapshot> {
    this.#refreshing ??= this.#enqueue(() => this.#refresh()).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /**
   * Looks at the processes that these events are about, and at those that are due. A process whose parents ended
   * before anybody saw them still belongs to the AI agent that it stems from: the events tell.
   *
   * @param events all since the last look, in order
   */
  update(events: readonly ProcessEvent[]): Promise<InventorySnapshot> {
    return this.#enqueue(() => this.#update(events));
  }

  /** Milliseconds until some process should be looked at again although no event asks for it. */
  get dueInMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.#due.values()) next = Math.min(next, at);
    return Math.max(0, next - performance.now());
  }

  /** The AI agent whose tree a process belongs to. */
  agentOf(process: ProcessRef): AiAgent | undefined {
    const id = this.#tracked.get(processKey(process))?.group?.id;
    return this.#snapshot.agents.find((agent) => agent.id === id);
  }

  /** What was found in a process itself. */
  assessmentOf(process: ProcessRef): Assessment | undefined {
    return this.#tracked.get(processKey(process))?.assessment;
  }

  /** This agent, one of its ancestors, or another part of Raypher. */
  isOwn(pid: number): boolean {
    return this.#own.has(pid);
  }

  /**
   * The proxy saw a process call a model. Whatever does that is an AI agent, whether or not anything else about
   * it says so; it shows from the next refresh on.
   */
  recordModel(process: ProcessRef, model: string): void {
    const name = modelName(model);
    if (name === undefined) return;
    const tracked = this.#tracked.get(processKey(process));
    if (tracked !== undefined) {
      this.#noteCall(tracked, name);
      return;
    }
    const early = this.#earlyCalls.get(processKey(process)) ?? { process, models: new Set() };
    if (early.models.size < MAX_MODELS) early.models.add(name);
    if (this.#earlyCalls.size < MAX_EARLY_CALLS) this.#earlyCalls.set(processKey(process), early);
  }

  /** Which processes are suspended, by processKey; shown in the snapshot at once. */
  setFrozen(keys: ReadonlySet<string>): void {
    this.#frozen = keys;
    for (const agent of this.#snapshot.agents) {
      for (const process of agent.processes) {
        process.frozen = keys.has(`${process.pid}:${process.startTime}`);
      }
      agent.frozen = agent.processes.length > 0 && agent.processes.every((process) => process.frozen);
    }
  }

  /** One at a time: both change what is remembered. */
  #enqueue(work: () => Promise<InventorySnapshot>): Promise<InventorySnapshot> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #refresh(): Promise<InventorySnapshot> {
    const processes = await this.#scanner.scan({ hashBudgetMs: this.#options.hashBudgetMs ?? 250 });
    return this.#digest(processes, () => true, new Map());
  }

  async #update(events: readonly ProcessEvent[]): Promise<InventorySnapshot> {
    const { touched, executed, lineage } = this.#read(events);
    const now = performance.now();
    for (const [pid, at] of this.#due) if (at <= now) touched.add(pid);
    const hashBudgetMs = this.#options.hashBudgetMs ?? UPDATE_HASH_BUDGET_MS;
    const processes = await this.#scanner.rescan([...touched], { hashBudgetMs }, executed);
    if (processes === undefined) return this.#snapshot;
    return this.#digest(processes, (pid) => touched.has(pid), lineage);
  }

  /** Which processes events are about, and to which AI agent those belong that were forked meanwhile. */
  #read(events: readonly ProcessEvent[]): {
    touched: Set<number>;
    executed: Set<number>;
    lineage: Map<number, AgentGroup | undefined>;
  } {
    const touched = new Set<number>();
    const executed = new Set<number>();
    const lineage = new Map<number, AgentGroup | undefined>();
    if (events.length === 0) return { touched, executed, lineage };
    const groups = new Map<number, AgentGroup | undefined>();
    const children = new Map<number, number[]>();
    for (const { process, group } of this.#tracked.values()) {
      groups.set(process.pid, group);
      const siblings = children.get(process.ppid);
      if (siblings === undefined) children.set(process.ppid, [process.pid]);
      else siblings.push(process.pid);
    }
    for (const event of events) {
      touched.add(event.pid);
      if (event.kind === 'exec') executed.add(event.pid);
      if (event.kind === 'fork') {
        const { parent } = event;
        lineage.set(event.pid, lineage.has(parent) ? lineage.get(parent) : groups.get(parent));
      }
      // They have another parent now, of which no event tells; the number of this one can be given away again.
      if (event.kind === 'exit') for (const child of children.get(event.pid) ?? []) touched.add(child);
    }
    return { touched, executed, lineage };
  }

  async #digest(
    processes: ScannedProcess[],
    isFresh: (pid: number) => boolean,
    lineage: ReadonlyMap<number, AgentGroup | undefined>,
  ): Promise<InventorySnapshot> {
    this.#own = this.#product.select(new Map(processes.map((process) => [process.pid, process])));
    const known = this.#tracked;
    const tracked = new Map<string, Tracked>();
    const looks: Promise<void>[] = [];
    for (const process of processes) {
      const key = processKey(process);
      const before = known.get(key);
      // Hundreds of them: a promise for each would cost more than all the rest.
      if (before !== undefined && !isFresh(process.pid)) {
        tracked.set(key, before);
        continue;
      }
      const look = this.#track(process, before, lineage.get(process.pid));
      looks.push(look.then((found) => void tracked.set(key, found)));
    }
    await Promise.all(looks);
    this.#tracked = tracked;
    this.#matchEarlyCalls();
    const groups = groupAgents(this.#options.device, [...this.#tracked.values()], this.#own);
    const atMs = this.#now();
    const before = new Map(this.#snapshot.agents.map((agent) => [agent.id, agent]));
    const agents = [...groups.values()].map((group) => this.#describe(group, atMs, before.get(group.id)));
    this.#snapshot = { atMs, processes, agents };
    this.#due = this.#schedule();
    this.#announce(before);
    return this.#snapshot;
  }

  #schedule(): Map<number, number> {
    const now = performance.now();
    const due = new Map<number, number>();
    for (const tracked of this.#tracked.values()) {
      const pause = pauseOf(tracked, now);
      if (pause === undefined) continue;
      due.set(tracked.process.pid, Math.ceil((tracked.seenAt + pause) / TOGETHER_MS) * TOGETHER_MS);
    }
    return due;
  }

  async #track(
    process: ScannedProcess,
    before: Tracked | undefined,
    inherited: AgentGroup | undefined,
  ): Promise<Tracked> {
    const now = performance.now();
    const isSame = before !== undefined && before.process.image === process.image;
    if (!isSame || isToBeExaminedAgain(before, now)) {
      const assessment = await this.#examiner.examine(process);
      return {
        process,
        assessment,
        // A program that a member of a tree executes stays in that tree.
        group: before === undefined ? inherited : before.group,
        declared: before?.declared ?? false,
        calls: before?.calls ?? new Set(),
        examinedAt: now,
        lookedAt: now,
        lookedBytes: process.virtualBytes,
        again: isSame ? before.again + 1 : 0,
        seenAt: now,
      };
    }
    before.process = process;
    before.seenAt = now;
    // New mappings are looked at soon, and young programs sooner: that is when they load what they need.
    const grew = process.virtualBytes !== before.lookedBytes;
    const pause = grew
      ? Math.min(15_000, Math.max(FIRST_LOOK_MS, (now - before.examinedAt) / 4))
      : LAST_LOOK_MS;
    if (now >= before.lookedAt + pause) {
      this.#examiner.lookAtFiles(process, before.assessment);
      before.lookedAt = now;
      before.lookedBytes = process.virtualBytes;
    }
    return before;
  }

  #matchEarlyCalls(): void {
    for (const [key, { process, models }] of this.#earlyCalls) {
      const tracked = this.#tracked.get(key);
      if (tracked !== undefined) for (const model of models) this.#noteCall(tracked, model);
      // One that started after the list of processes was read is in the next list.
      if (tracked !== undefined || !isAlive(process)) this.#earlyCalls.delete(key);
    }
  }

  #noteCall(tracked: Tracked, model: string): void {
    tracked.calls.add(model);
    const id = tracked.group?.id;
    if (id !== undefined) addTo(this.#called, id, model);
  }

  #describe(group: AgentGroup, atMs: number, before: AiAgent | undefined): AiAgent {
    for (const { calls } of group.members) for (const model of calls) addTo(this.#called, group.id, model);
    const known = this.#firstSeen.get(group.id) ?? this.#options.firstSeen?.(group.id);
    const firstSeenMs = before === undefined ? (known ?? atMs) : Number(before.firstSeenMs);
    this.#firstSeen.set(group.id, firstSeenMs);
    forgetOldest(this.#firstSeen);
    forgetOldest(this.#called);
    return describeAgent(group, {
      firstSeenMs,
      lastSeenMs: atMs,
      called: this.#called.get(group.id) ?? new Set(),
      frozen: this.#frozen,
    });
  }

  #announce(before: ReadonlyMap<string, AiAgent>): void {
    const left = new Map(before);
    for (const agent of this.#snapshot.agents) {
      const previous = left.get(agent.id);
      left.delete(agent.id);
      if (previous === undefined) {
        this.emit('appeared', agent);
        continue;
      }
      const changes = compare(previous, agent);
      if (changes.length > 0) this.emit('changed', agent, changes, previous);
    }
    for (const agent of left.values()) this.emit('vanished', agent);
  }
}

/** Files that do not come at all (a network that hangs) are not waited for again and again. */
function isToBeExaminedAgain({ assessment, again, examinedAt }: Tracked, now: number): boolean {
  return assessment.isLate && again < MOST_AGAIN && now >= examinedAt + FIRST_LOOK_MS;
}

/** Milliseconds between two looks at a process that no event asks for; undefined: those at all processes suffice. */
function pauseOf({ process, group, examinedAt }: Tracked, now: number): number | undefined {
  if (process.kernelThread) return undefined;
  const age = now - examinedAt;
  const isUnsettled = process.state === 'Z' || process.reasons.includes(STILL_HASHING);
  if (isUnsettled) return Math.max(UNSETTLED_MS, age / 4);
  const figures = group === undefined ? Number.POSITIVE_INFINITY : FIGURES_MS;
  if (age < YOUNG_MS) return Math.min(figures, Math.max(FIRST_LOOK_MS, age / 2));
  return group === undefined ? undefined : FIGURES_MS;
}

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key) ?? new Set();
  if (values.size < MAX_MODELS) values.add(value);
  map.set(key, values);
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= MAX_REMEMBERED) break;
    map.delete(oldest);
  }
}

function compare(before: AiAgent, after: AiAgent): AgentChange[] {
  const changes: AgentChange[] = [];
  const differ = (a: readonly string[], b: readonly string[]): boolean => a.join('\0') !== b.join('\0');
  // Becoming known is not a change of code.
  if (before.exeSha256 !== '' && after.exeSha256 !== '' && before.exeSha256 !== after.exeSha256)
    changes.push('code');
  if (differ(before.signatures, after.signatures)) changes.push('signatures');
  if (differ(before.libraries, after.libraries)) changes.push('libraries');
  if (differ(before.models, after.models)) changes.push('models');
  if (before.risk !== after.risk) changes.push('risk');
  return changes;
}
