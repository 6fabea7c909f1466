import type { EventDraft } from '../ledger/event-draft.ts';
import { type GateFacts, gateEvent } from './gate-event.ts';

/** Milliseconds. What was decided within them is written together: a commit takes far longer than a decision. */
const TOGETHER = 50;

/**
 * Records decisions shortly after they were answered. The same decision about the same thing, several times within
 * one interval, is one event that says how often: a program that asks in a loop neither fills the ledger nor holds
 * up the service.
 */
export class DecisionLog {
  readonly #record: (event: EventDraft) => void;
  #waiting = new Map<string, { facts: GateFacts; count: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(record: (event: EventDraft) => void) {
    this.#record = record;
  }

  note(facts: GateFacts): void {
    const { request, requester, askedBy, verdict } = facts;
    const key = JSON.stringify([
      request.action,
      request.target,
      request.action === 'process.exec' ? request.arguments : request.context,
      requester.process,
      askedBy,
      verdict.rule,
      verdict.outcome,
      verdict.effective.outcome,
      verdict.revision,
    ]);
    const same = this.#waiting.get(key);
    if (same === undefined) this.#waiting.set(key, { facts, count: 1 });
    else same.count += 1;
    this.#timer ??= setTimeout(() => this.flush(), TOGETHER);
  }

  /** Writes what is waiting, now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const due = this.#waiting;
    this.#waiting = new Map();
    for (const { facts, count } of due.values()) this.#record(gateEvent(facts, count));
  }
}
