import { type ApprovalReach, narrowerReach, RaypherError, reachOf } from '@raypher/shared';
import type { ApprovalVote, DecideApproval } from '@raypher/shared/rest';
import { labelOf, type Principal } from '../auth/principal.ts';
import { type ApprovalRow, votesOf } from './approvals.repository.ts';

/** What one more answer makes of a question. */
export interface Decided {
  votes: ApprovalVote[];
  /** What the device is told; undefined while another person is needed. */
  order: Record<string, string | number> | undefined;
}

/**
 * Adds a person's answer. One denial denies; an allowance counts once per person (user id) and while that person may still
 * give it, and where two are needed the device is told only what both agreed to.
 *
 * @param mayAllow user ids whose allowance counts now
 * @throws RaypherError `approval/decided`, `auth/second-approver`
 */
export function decide(
  row: ApprovalRow,
  caller: Principal,
  input: DecideApproval,
  now: Date,
  mayAllow: ReadonlySet<string>,
): Decided {
  const before = votesOf(row);
  if (!row.isOpen) throw tooLate(row, before);
  const { outcome, scope, minutes, reason } = input;
  const by = labelOf(caller);
  const vote = {
    userId: caller.id,
    by,
    at: now.toISOString(),
    outcome,
    scope,
    minutes: minutes ?? null,
    reason,
  };
  const votes = [...before, vote];
  if (outcome === 'deny') {
    return { votes, order: { approval: row.id, outcome, ...reachOf({ scope, minutes }), by } };
  }
  const earlier = before.filter((one) => one.outcome === 'allow');
  if (earlier.some(({ userId }) => userId === caller.id)) {
    throw new RaypherError(
      'auth/second-approver',
      'You have allowed this already: another person must as well.',
      {
        hint: 'You can still deny it.',
      },
    );
  }
  if (!mayAllow.has(caller.id)) {
    throw new RaypherError(
      'auth/second-approver',
      'Only who was a member when this was asked can be one of two.',
      {
        hint: 'You can still deny it.',
      },
    );
  }
  const people = [...earlier.filter(({ userId }) => mayAllow.has(userId)), vote];
  if (people.length < row.approversNeeded) return { votes, order: undefined };
  const reach = people.map(reachOfVote).reduce(narrowerReach);
  const [first, second] = people;
  return {
    votes,
    order: {
      approval: row.id,
      outcome,
      ...reach,
      by: first?.by ?? by,
      ...(row.approversNeeded > 1 && second !== undefined ? { second: second.by } : {}),
    },
  };
}

function reachOfVote({ scope, minutes }: ApprovalVote): ApprovalReach {
  return reachOf({ scope, minutes: minutes ?? undefined });
}

function tooLate(row: ApprovalRow, votes: readonly ApprovalVote[]): RaypherError {
  const by = votes.at(-1)?.by;
  const what =
    row.how === null
      ? row.sentAt === null
        ? 'its time is over'
        : `${by ?? 'somebody'} has answered it`
      : row.how === 'timeout'
        ? 'it has timed out'
        : row.how === 'withdrawn'
          ? 'who asked had gone'
          : `it was ${row.outcome === 'ALLOW' ? 'allowed' : 'denied'}${row.decidedBy === null ? '' : ` by ${row.decidedBy}`}`;
  return new RaypherError('approval/decided', `This question has ended: ${what}.`, {
    hint: 'Nothing was changed. The AI agent may ask again.',
  });
}
