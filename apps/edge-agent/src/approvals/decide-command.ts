import { type CommandPayload, RaypherError } from '@raypher/shared';
import type { ApprovalDesk } from './approval-desk.ts';
import { Decision } from './decision.ts';

/**
 * Carries out what people decided on the dashboard. The command is signed with the organisation's key; that two approvers
 * are two people is checked here once more.
 *
 * @throws RaypherError `request/invalid`, and what {@link ApprovalDesk.decide} throws
 */
export async function decideApproval(
  desk: ApprovalDesk,
  { arguments: given, reason }: CommandPayload,
): Promise<Record<string, unknown>> {
  const decision = Decision.safeParse({ ...given, reason });
  if (!decision.success) {
    throw new RaypherError(
      'request/invalid',
      'The command does not hold a decision as this version knows them.',
    );
  }
  return { ...(await desk.decide(decision.data)) };
}
