import type { EventDraft } from '../ledger/event-draft.ts';
import type { GuardDenial } from './guard-policy.ts';

/** Milliseconds. The first denial is recorded at once, repetitions of it within this time together. */
const REPEATED_WITHIN = 10_000;
/** Different denials that are counted at a time; beyond, each is recorded by itself. */
const MOST_COUNTED = 1000;

/** Who and why, as far as the agent knows more than the kernel. */
export interface DenialContext {
  readonly actor: EventDraft['actor'];
  readonly verdict: EventDraft['verdict'];
  readonly commandLine: string;
}

/**
 * Records what the kernel refused. A program that tries the same thing again and again is recorded when it begins,
 * and then with how often it went on: nothing is left out, and the ledger is not flooded.
 */
export class DenialLog {
  readonly #record: (event: EventDraft) => void;
  readonly #context: (denial: GuardDenial) => DenialContext;
  readonly #counted = new Map<string, { denial: GuardDenial; context: DenialContext; count: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(record: (event: EventDraft) => void, context: (denial: GuardDenial) => DenialContext) {
    this.#record = record;
    this.#context = context;
  }

  note(denial: GuardDenial): void {
    const { backEnd, blocked, operation, target, group, rule, processName } = denial;
    const key = JSON.stringify([backEnd, blocked, operation, target, group, rule, processName]);
    const same = this.#counted.get(key);
    if (same !== undefined) {
      same.count += 1;
      return;
    }
    const context = this.#context(denial);
    this.#record(denialEvent(denial, context, 1));
    if (this.#counted.size >= MOST_COUNTED) return;
    this.#counted.set(key, { denial, context, count: 0 });
    this.#timer ??= setTimeout(() => this.flush(), REPEATED_WITHIN);
  }

  lost(count: number): void {
    this.#record({
      type: 'guard.lost',
      severity: 'warning',
      actor: { kind: 'edge-agent', id: '', name: 'raypher' },
      action: 'lose denials',
      target: 'kernel',
      data: { count },
    });
  }

  /** Records repetitions now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { denial, context, count } of this.#counted.values()) {
      if (count > 0) this.#record(denialEvent(denial, context, count));
    }
    this.#counted.clear();
  }
}

/** What is aimed at the agent: its processes, its files, its programs in the kernel. */
const AT_THE_AGENT: ReadonlySet<GuardDenial['operation']> = new Set([
  'signal',
  'trace',
  'bpf',
  'read',
  'write',
  'delete',
]);

function protectionOf(operation: GuardDenial['operation']): string {
  return AT_THE_AGENT.has(operation) ? 'of the agent itself' : 'against ways around the rules';
}

function denialEvent(denial: GuardDenial, context: DenialContext, count: number): EventDraft {
  const { backEnd, blocked, operation, target, pid, group, rule } = denial;
  return {
    type: 'guard.denied',
    severity: 'warning',
    actor: context.actor,
    action: operation,
    target,
    ...(context.verdict === undefined ? {} : { verdict: context.verdict }),
    data: {
      denied: blocked,
      wouldBlock: !blocked,
      count,
      backEnd,
      group,
      process: pid,
      commandLine: context.commandLine,
      ...(rule === undefined ? { protection: denial.reason ?? protectionOf(operation) } : {}),
    },
  };
}
