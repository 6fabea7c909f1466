import { createHash } from 'node:crypto';
import type { Opinion } from '@raypher/policy';
import type { ApprovalReach } from '@raypher/shared';
import { EDGE_AGENT, type EventDraft, type JsonValue } from '../ledger/event-draft.ts';
import type { ApprovalQuestion } from './approval.ts';
import type { EndedApproval } from './approval-store.ts';

/** Details that the record keeps of a question; a person cannot weigh more. */
const MOST_DETAILS = 12;
/** Characters of one detail. */
const LONGEST_DETAIL = 300;

/** What the record says of every question, asked or ended. */
export interface RecordedQuestion {
  readonly id: string;
  readonly question: Pick<ApprovalQuestion, 'actor' | 'action' | 'target' | 'subject'>;
  readonly opinion: Pick<Opinion, 'layer' | 'rule'> & { readonly approvers?: 1 | 2 | undefined };
  readonly revision: number;
}

export interface AskedQuestion extends RecordedQuestion {
  readonly question: ApprovalQuestion;
  readonly opinion: Opinion;
  readonly timeoutSeconds: number;
}

/** `approval.requested`. The details may hold what somebody wrote: they are kept beside the entry, and can be erased. */
export function requestedEvent(asked: AskedQuestion): EventDraft {
  const { question, opinion, revision, timeoutSeconds } = asked;
  const details = Object.entries(question.details)
    .slice(0, MOST_DETAILS)
    .map(([key, value]) => [key, shortened(value)]);
  return {
    type: 'approval.requested',
    severity: 'notice',
    actor: question.actor,
    action: question.action,
    target: question.target,
    verdict: {
      outcome: 'PROMPT',
      mode: opinion.mode,
      layer: opinion.layer,
      rule: opinion.rule,
      reason: opinion.reason,
      revision,
    },
    data: {
      ...commonData(asked),
      timeoutSeconds,
      onTimeout: opinion.onTimeout ?? 'DENY',
    },
    private: { details: Object.fromEntries(details) },
  };
}

/** So that the details of a question always fit beside its entry. */
function shortened(value: ApprovalQuestion['details'][string]): JsonValue {
  if (typeof value === 'string') return value.slice(0, LONGEST_DETAIL);
  return typeof value === 'number' ? value : value.slice(0, 16).map((item) => item.slice(0, 64));
}

export interface Ending extends Omit<EndedApproval, 'id'> {
  readonly second?: string | undefined;
  readonly reach?: ApprovalReach | undefined;
  readonly reason?: string | undefined;
  /** People who allowed it. */
  readonly given: number;
  readonly waitedMs: number;
  /** How many requests got this answer: identical ones share a question. */
  readonly answered: number;
}

/**
 * `approval.decided`, however it ended. Without a verdict: what was let through or refused is the event of whoever asked,
 * and would be counted twice.
 */
export function decidedEvent(asked: RecordedQuestion, ending: Ending): EventDraft {
  const { how, outcome, by, second, reach, reason, given, waitedMs, answered } = ending;
  return {
    type: 'approval.decided',
    severity: 'notice',
    actor: by === undefined ? EDGE_AGENT : { kind: 'user', id: by, name: by },
    action: WORDS[how],
    target: asked.question.target,
    data: {
      ...commonData(asked),
      how,
      outcome,
      waitedMs: Math.round(waitedMs),
      approversGiven: given,
      answered,
      ...(by === undefined ? {} : { by }),
      ...(second === undefined ? {} : { second }),
      ...(reach === undefined ? {} : { scope: reach.scope }),
      ...(reach?.scope === 'minutes' ? { minutes: reach.minutes } : {}),
      ...(reason === undefined ? {} : { reason }),
    },
  };
}

const WORDS: Record<EndedApproval['how'], string> = {
  person: 'decide',
  remembered: 'decide as before',
  timeout: 'time out',
  withdrawn: 'withdraw',
  unavailable: 'fail to ask',
};

function commonData({ id, question, opinion, revision }: RecordedQuestion): EventDraft['data'] {
  return {
    approval: id,
    subject: createHash('sha256').update(question.subject).digest('hex'),
    layer: opinion.layer,
    rule: opinion.rule,
    revision,
    approversNeeded: opinion.approvers ?? 1,
  };
}
