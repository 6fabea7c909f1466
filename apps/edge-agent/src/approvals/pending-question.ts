import type { Opinion } from '@raypher/policy';
import { type ApprovalReach, narrowerReach } from '@raypher/shared';
import type { ApprovalAnswer, ApprovalQuestion } from './approval.ts';
import type { AskedQuestion } from './approval-event.ts';

/** One question that waits for a person, and everybody who waits for its answer. */
export class PendingQuestion implements AskedQuestion {
  readonly id: string;
  readonly question: ApprovalQuestion;
  readonly opinion: Opinion;
  readonly revision: number;
  readonly timeoutSeconds: number;
  /** What the policy was when it was asked. */
  readonly policy: string;
  /** Of a clock that nobody sets, milliseconds. */
  readonly askedAt: number;
  /** For people, milliseconds since the epoch. */
  readonly askedOn = Date.now();
  readonly process: { pid: number; startTime: number } | undefined;
  timer: NodeJS.Timeout | undefined;
  readonly #waiters = new Set<(answer: ApprovalAnswer) => void>();
  readonly #allowedBy = new Map<string, ApprovalReach>();

  constructor(parts: {
    id: string;
    question: ApprovalQuestion;
    timeoutSeconds: number;
    policy: string;
    askedAt: number;
    process: { pid: number; startTime: number } | undefined;
  }) {
    const { verdict } = parts.question;
    this.id = parts.id;
    this.question = parts.question;
    this.opinion = verdict.effective;
    this.revision = verdict.revision;
    this.timeoutSeconds = parts.timeoutSeconds;
    this.policy = parts.policy;
    this.askedAt = parts.askedAt;
    this.process = parts.process;
  }

  get subject(): string {
    return this.question.subject;
  }

  get actor(): string {
    return actorKey(this.question.actor);
  }

  get needed(): number {
    return this.opinion.approvers ?? 1;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Who allowed it so far, first come first. */
  get allowedBy(): string[] {
    return [...this.#allowedBy.keys()];
  }

  /** How far what they allowed reaches: what all of them agreed to. */
  get reach(): ApprovalReach {
    return [...this.#allowedBy.values()].reduce(narrowerReach, { scope: 'session' });
  }

  /** Counts one person once, however often they say it; the last word of each holds. */
  allow(by: string, reach: ApprovalReach): void {
    this.#allowedBy.set(by, reach);
  }

  /** @returns how to stop waiting */
  wait(answered: (answer: ApprovalAnswer) => void): () => void {
    this.#waiters.add(answered);
    return () => this.#waiters.delete(answered);
  }

  answer(answer: ApprovalAnswer): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const answered of waiters) answered(answer);
  }
}

export function actorKey({ kind, id, pid }: ApprovalQuestion['actor']): string {
  return id === '' ? `${kind}:${pid ?? ''}` : `${kind}:${id}`;
}
