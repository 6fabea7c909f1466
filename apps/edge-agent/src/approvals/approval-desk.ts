import { createHash, randomUUID } from 'node:crypto';
import { withoutAnswer } from '@raypher/policy';
import { type ApprovalReach, RaypherError, reachOf } from '@raypher/shared';
import { z } from 'zod';
import { readStat } from '../discovery/stat.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { ApprovalAnswer, ApprovalQuestion, Approvals } from './approval.ts';
import { decidedEvent, type Ending, type RecordedQuestion, requestedEvent } from './approval-event.ts';
import type { ApprovalStore, EndedApproval, Grant } from './approval-store.ts';
import type { BootClock } from './boot-clock.ts';
import type { Decision } from './decision.ts';
import { FloodGate } from './flood-gate.ts';
import { actorKey, PendingQuestion } from './pending-question.ts';

/** How long a rule waits that does not say; rules of a document always say. */
const DEFAULT_TIMEOUT_SECONDS = 120;

export interface DeskParts {
  store: ApprovalStore;
  clock: BootClock;
  /** Writes to the ledger; resolves when it is on disk. */
  record: (event: EventDraft) => Promise<unknown>;
  /** Changes whenever the policy in force does, this machine's own document included. */
  policy: () => string;
}

/** A question that waits, for those who may decide. */
export interface WaitingApproval {
  id: string;
  askedAt: string;
  secondsLeft: number;
  actor: ApprovalQuestion['actor'];
  action: string;
  target: string;
  details: ApprovalQuestion['details'];
  layer: string;
  rule: string;
  reason: string;
  revision: number;
  onTimeout: 'ALLOW' | 'DENY';
  approversNeeded: number;
  allowedBy: string[];
  waiting: number;
}

/** What a decision did: ended the question, or was the first of two. */
export interface DecisionEffect {
  outcome: 'ALLOW' | 'DENY' | 'waiting';
  scope: ApprovalReach['scope'];
  minutes?: number;
  approversNeeded: number;
  approversGiven: number;
}

/**
 * Asks people and keeps what they said.
 *
 * Identical questions that wait at the same time are one question: same subject, rule, target and details, so that nobody
 * is let through on an answer to something else. Whatever fails ends in a DENY; an ALLOW is given only after it is on disk.
 */
export class ApprovalDesk implements Approvals {
  readonly #parts: DeskParts;
  readonly #flood = new FloodGate();
  readonly #pending = new Map<string, PendingQuestion>();
  /** Identity of a question → its id. */
  readonly #open = new Map<string, string>();
  #closed = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Ends what was asked before a crash: nobody waits for those answers. */
  resume(): void {
    for (const { id, question } of this.#parts.store.orphans()) {
      const stored = StoredQuestion.safeParse(parseJson(question));
      const ended = { id, how: 'withdrawn', outcome: 'DENY', by: undefined } as const;
      this.#parts.store.end(ended);
      if (!stored.success) continue;
      const asked: RecordedQuestion = { id, ...stored.data };
      const reason = 'The service was restarted while the question waited.';
      this.#note(decidedEvent(asked, { ...ended, reason, given: 0, waitedMs: 0, answered: 0 }));
    }
  }

  async ask(question: ApprovalQuestion, gone: AbortSignal): Promise<ApprovalAnswer> {
    try {
      return await this.#ask(question, gone);
    } catch {
      return refused(
        'unavailable',
        'The store of questions cannot be used right now, so no person could be asked.',
      );
    }
  }

  list(): WaitingApproval[] {
    return [...this.#pending.values()].map((pending) => ({
      id: pending.id,
      askedAt: new Date(pending.askedOn).toISOString(),
      secondsLeft: Math.max(0, Math.round(pending.timeoutSeconds - this.#waited(pending) / 1000)),
      actor: pending.question.actor,
      action: pending.question.action,
      target: pending.question.target,
      details: pending.question.details,
      layer: pending.opinion.layer,
      rule: pending.opinion.rule,
      reason: pending.opinion.reason,
      revision: pending.revision,
      onTimeout: withoutAnswer(pending.opinion),
      approversNeeded: pending.needed,
      allowedBy: pending.allowedBy,
      waiting: pending.waiting,
    }));
  }

  /**
   * Takes what people said. One denial ends a question; an allowance ends it when enough different people gave theirs.
   *
   * @throws RaypherError `approval/unknown`, `approval/decided` when it has ended, `auth/second-approver` for two that are
   * one person
   */
  async decide(decision: Decision): Promise<DecisionEffect> {
    const pending = this.#require(decision.approval);
    const { by, second, reason } = decision;
    if (second !== undefined && second === by) {
      throw new RaypherError('auth/second-approver', 'The second approver must be another person.');
    }
    const asked = this.#reachable(pending, reachOf(decision));
    if (decision.outcome === 'deny') {
      await this.#finish(pending, { how: 'person', outcome: 'DENY', by, second, reach: asked, reason });
      return effect('DENY', asked, pending);
    }
    for (const person of second === undefined ? [by] : [by, second]) pending.allow(person, asked);
    const [first, other] = pending.allowedBy;
    const reach = pending.reach;
    if (pending.allowedBy.length < pending.needed) return effect('waiting', reach, pending);
    const ending = { how: 'person', outcome: 'ALLOW', by: first, second: other, reach, reason } as const;
    const carried = await this.#finish(pending, ending);
    if (carried.outcome === 'ALLOW') return effect('ALLOW', reach, pending);
    throw new RaypherError('store/full', 'The decision could not be stored, so the action was refused.', {
      hint: 'Free some space on the device; the AI agent may ask again.',
    });
  }

  /** Another policy is in force: what was asked under the one before is not what it would ask. */
  policyChanged(): void {
    const policy = this.#parts.policy();
    for (const pending of [...this.#pending.values()]) {
      if (pending.policy === policy) continue;
      const reason = 'The policy changed while the question waited; under the new one it may be asked again.';
      void this.#finish(pending, { how: 'withdrawn', outcome: 'DENY', by: undefined, reason });
    }
  }

  /** Ends everything that waits, and asks nobody any more: the service stops. */
  async close(): Promise<void> {
    this.#closed = true;
    const reason = STOPPED;
    await Promise.all(
      [...this.#pending.values()].map((pending) =>
        this.#finish(pending, { how: 'withdrawn', outcome: 'DENY', by: undefined, reason }),
      ),
    );
  }

  #ask(question: ApprovalQuestion, gone: AbortSignal): Promise<ApprovalAnswer> | ApprovalAnswer {
    if (gone.aborted) return refused('withdrawn', undefined);
    if (this.#closed) return refused('withdrawn', STOPPED);
    const policy = this.#parts.policy();
    const rule = ruleKey(question, policy);
    const grant = this.#parts.store.grant({ subject: question.subject, rule });
    if (grant !== undefined) return remembered(grant);
    const identity = identityOf(question, rule);
    const id = this.#open.get(identity);
    const shared = id === undefined ? undefined : this.#pending.get(id);
    if (shared !== undefined) {
      const full = this.#flood.join(shared.waiting);
      return full === undefined ? this.#wait(shared, gone) : refused('unavailable', full);
    }
    const asker = { subject: question.subject, actor: actorKey(question.actor) };
    const full = this.#flood.admit(asker, this.#pending.values(), this.#parts.clock.now());
    if (full !== undefined) return refused('unavailable', full);
    return this.#wait(this.#put(question, identity, policy), gone);
  }

  #put(question: ApprovalQuestion, identity: string, policy: string): PendingQuestion {
    const pending = new PendingQuestion({
      id: randomUUID(),
      question,
      timeoutSeconds: question.verdict.effective.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
      policy,
      askedAt: performance.now(),
      process: processOf(question.actor.pid),
    });
    this.#parts.store.add(pending.id, storedOf(pending), pending.askedOn);
    this.#pending.set(pending.id, pending);
    this.#open.set(identity, pending.id);
    // Timers count a clock that nobody sets.
    pending.timer = setTimeout(() => {
      const outcome = withoutAnswer(pending.opinion);
      void this.#finish(pending, { how: 'timeout', outcome, by: undefined });
    }, pending.timeoutSeconds * 1000);
    pending.timer.unref();
    this.#parts.record(requestedEvent(pending)).catch(() => {
      if (!this.#pending.has(pending.id)) return;
      const reason = 'The question could not be recorded, so no person could be asked.';
      void this.#finish(pending, { how: 'unavailable', outcome: 'DENY', by: undefined, reason });
    });
    return pending;
  }

  #wait(pending: PendingQuestion, gone: AbortSignal): Promise<ApprovalAnswer> {
    const { promise, resolve } = Promise.withResolvers<ApprovalAnswer>();
    const leave = pending.wait(resolve);
    const onGone = (): void => {
      leave();
      resolve(refused('withdrawn', undefined, pending.id));
      if (pending.waiting > 0 || !this.#pending.has(pending.id)) return;
      void this.#finish(pending, { how: 'withdrawn', outcome: 'DENY', by: undefined });
    };
    gone.addEventListener('abort', onGone, { once: true });
    return promise.finally(() => gone.removeEventListener('abort', onGone));
  }

  /** Ends a question: in the store, in the record, then for those who wait. Never throws. */
  async #finish(
    pending: PendingQuestion,
    end: Omit<Ending, 'given' | 'waitedMs' | 'answered'>,
  ): Promise<ApprovalAnswer> {
    // Nobody else may end it meanwhile.
    this.#pending.delete(pending.id);
    clearTimeout(pending.timer);
    for (const [identity, id] of this.#open) if (id === pending.id) this.#open.delete(identity);
    const counted = {
      given: pending.allowedBy.length,
      waitedMs: this.#waited(pending),
      answered: pending.waiting,
    };
    const grant = this.#grantFrom(pending, end);
    let ending: Ending = { ...end, ...counted };
    try {
      this.#parts.store.end({ id: pending.id, ...end });
      await this.#parts.record(decidedEvent(pending, ending));
    } catch {
      // What is not on disk did not happen: an ALLOW that leaves no trace is none.
      if (end.outcome === 'ALLOW') {
        const reason = 'The decision could not be stored.';
        ending = { how: 'unavailable', outcome: 'DENY', by: undefined, reason, ...counted };
        this.#attempt(() => this.#parts.store.end({ id: pending.id, ...ending }));
      }
    }
    // Without it the same question is only asked again.
    if (grant !== undefined && ending.how === 'person') this.#attempt(() => this.#parts.store.keep(grant));
    const answer = answerOf(pending.id, ending);
    pending.answer(answer);
    if (grant !== undefined && answer.how === 'person') this.#answerTheSame(grant);
    return answer;
  }

  #grantFrom(
    pending: PendingQuestion,
    { how, outcome, by, reach }: Omit<Ending, 'given' | 'waitedMs' | 'answered'>,
  ) {
    const { process } = pending;
    if (how !== 'person' || by === undefined || process === undefined) return undefined;
    if (reach === undefined || reach.scope === 'once') return undefined;
    const until = reach.scope === 'minutes' ? this.#parts.clock.now() + reach.minutes * 60_000 : undefined;
    const rule = ruleKey(pending.question, pending.policy);
    return {
      subject: pending.subject,
      rule,
      approval: pending.id,
      outcome,
      by,
      until,
      process,
    } satisfies Grant;
  }

  /** Other questions that this answer is about as well. */
  #answerTheSame(grant: Grant): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.subject !== grant.subject || ruleKey(pending.question, pending.policy) !== grant.rule)
        continue;
      void this.#finish(pending, { how: 'remembered', outcome: grant.outcome, by: grant.by });
    }
  }

  /** A process that is not known cannot be recognised again: what is said of it holds once. */
  #reachable(pending: PendingQuestion, reach: ApprovalReach): ApprovalReach {
    return pending.process === undefined ? { scope: 'once' } : reach;
  }

  #waited(pending: PendingQuestion): number {
    return performance.now() - pending.askedAt;
  }

  #require(id: string): PendingQuestion {
    const pending = this.#pending.get(id);
    if (pending !== undefined) return pending;
    const ended = this.#parts.store.ended(id);
    if (ended === undefined) {
      throw new RaypherError('approval/unknown', 'This device asked no such question.');
    }
    throw new RaypherError(
      'approval/decided',
      `This came too late: the question ${ENDINGS[ended.how](ended)}.`,
      {
        hint: 'Nothing was changed by this answer. The AI agent may ask again.',
        details: { how: ended.how, outcome: ended.outcome },
      },
    );
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch {
      // The ledger, in the same file, reports the disk.
    }
  }

  #note(event: EventDraft): void {
    // What is missing in the record is counted by the ledger itself.
    this.#parts.record(event).catch(() => {});
  }
}

const STOPPED = 'The service stopped while the question waited.';

const ENDINGS: Record<ApprovalAnswer['how'], (ended: EndedApproval) => string> = {
  person: ({ by, outcome }) => `was ${outcome === 'ALLOW' ? 'allowed' : 'denied'} by ${by ?? 'somebody'}`,
  remembered: ({ by, outcome }) =>
    `was ${outcome === 'ALLOW' ? 'allowed' : 'denied'} by what ${by ?? 'somebody'} said before`,
  timeout: ({ outcome }) =>
    `had timed out and was ${outcome === 'ALLOW' ? 'let through' : 'refused'} by its rule`,
  withdrawn: () => 'was withdrawn: who asked had gone',
  unavailable: () => 'could not be stored and was refused',
};

const StoredQuestion = z.object({
  question: z.object({
    actor: z.object({
      kind: z.enum(['ai-agent', 'edge-agent', 'user', 'control-plane', 'process']),
      id: z.string(),
      name: z.string(),
      pid: z.number().optional(),
      user: z.string().optional(),
    }),
    action: z.string(),
    target: z.string(),
    subject: z.string(),
  }),
  opinion: z.object({
    layer: z.enum(['global', 'team', 'local', 'builtin']),
    rule: z.string(),
    approvers: z.literal([1, 2]).optional(),
  }),
  revision: z.number(),
});

function storedOf({ question, opinion, revision }: PendingQuestion): unknown {
  const { actor, action, target, subject } = question;
  const { layer, rule, approvers } = opinion;
  return { question: { actor, action, target, subject }, opinion: { layer, rule, approvers }, revision };
}

/** The rule as it was when it asked: another revision, or other words of it, and a grant says nothing. */
function ruleKey({ verdict: { effective, revision } }: ApprovalQuestion, policy: string): string {
  const { layer, rule, approvers, onTimeout, reason } = effective;
  return digest([policy, revision, layer, rule, approvers ?? 1, onTimeout ?? 'DENY', reason]);
}

/** Everything that a person is shown, and what stands behind it, so that an answer is an answer to exactly this. */
function identityOf(
  { subject, actor, action, target, details, content }: ApprovalQuestion,
  rule: string,
): string {
  return digest([subject, rule, actorKey(actor), action, target, details, content ?? null]);
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

function processOf(pid: number | undefined): { pid: number; startTime: number } | undefined {
  const stat = pid === undefined ? undefined : readStat(pid);
  return stat === undefined ? undefined : { pid: stat.pid, startTime: stat.startTime };
}

function remembered({ approval, outcome, by }: Grant): ApprovalAnswer {
  return { outcome, how: 'remembered', by, approval };
}

function refused(
  how: 'withdrawn' | 'unavailable',
  reason: string | undefined,
  approval = '',
): ApprovalAnswer {
  return { outcome: 'DENY', how, by: undefined, approval, ...(reason === undefined ? {} : { reason }) };
}

function answerOf(approval: string, { how, outcome, by, second, reason }: Ending): ApprovalAnswer {
  const who = by === undefined || second === undefined || outcome === 'DENY' ? by : `${by} and ${second}`;
  return { outcome, how, by: who, approval, ...(reason === undefined ? {} : { reason }) };
}

function effect(
  outcome: DecisionEffect['outcome'],
  reach: ApprovalReach,
  pending: PendingQuestion,
): DecisionEffect {
  return { outcome, ...reach, approversNeeded: pending.needed, approversGiven: pending.allowedBy.length };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
