import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import type { ApprovalDesk } from './approval-desk.ts';
import { Decision } from './decision.ts';

/** What the command line may ask about approvals. */
export const APPROVAL_REQUESTS = [
  z.strictObject({ verb: z.literal('approvals') }),
  z.strictObject({ verb: z.literal('decide-approval'), decision: Decision }),
] as const;
const ApprovalRequest = z.discriminatedUnion('verb', APPROVAL_REQUESTS);
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/**
 * Carries out one request of a person at this machine. Whoever runs AI agents here is often the one who sits here: on a
 * device of an organisation a question is allowed on the dashboard alone, and here it can only be denied. That a rule is of
 * the local layer makes no difference: a local rule that asks hides a rule of the organisation that asks as well.
 *
 * @throws RaypherError `auth/forbidden`, and what {@link ApprovalDesk.decide} throws
 */
export async function answerApprovalRequest(
  desk: ApprovalDesk,
  isEnrolled: boolean,
  request: ApprovalRequest,
): Promise<unknown> {
  switch (request.verb) {
    case 'approvals':
      return desk.list();
    case 'decide-approval':
      if (isEnrolled && request.decision.outcome === 'allow') {
        throw new RaypherError(
          'auth/forbidden',
          'This device belongs to an organisation: its people allow.',
          {
            hint: 'Ask somebody who may decide on the dashboard, under Approvals. Denying works here.',
          },
        );
      }
      return desk.decide(request.decision);
  }
}
