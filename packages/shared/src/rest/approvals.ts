import { z } from 'zod';
import { ApprovalMinutes, ApprovalScope, hasItsMinutes } from '../approval-reach.ts';
import { PageQuery, Reason, Timestamp } from './common.ts';

export { MAX_APPROVAL_MINUTES } from '../approval-reach.ts';

/**
 * `pending`: people can still answer. `sent`: enough people have, and the device has not confirmed yet. `no-word`: the time
 * is over and the device has not said how it ended. The others are how the device recorded its end.
 */
export const ApprovalState = z.enum([
  'pending',
  'sent',
  'no-word',
  'allowed',
  'denied',
  'timed-out',
  'withdrawn',
  'unavailable',
]);
export type ApprovalState = z.infer<typeof ApprovalState>;

export const ApprovalVote = z.object({
  userId: z.string(),
  by: z.string(),
  at: Timestamp,
  outcome: z.enum(['allow', 'deny']),
  scope: ApprovalScope,
  minutes: z.number().int().nullable(),
  reason: z.string(),
});
export type ApprovalVote = z.infer<typeof ApprovalVote>;

/** How it ended, in the words of the device's ledger. */
export const ApprovalEnd = z.object({
  at: Timestamp,
  how: z.enum(['person', 'remembered', 'timeout', 'withdrawn', 'unavailable']),
  outcome: z.enum(['ALLOW', 'DENY']),
  by: z.string().nullable(),
  second: z.string().nullable(),
  scope: ApprovalScope.nullable(),
  minutes: z.number().int().nullable(),
  reason: z.string().nullable(),
  waitedMs: z.number().int(),
  /** Requests that got this answer. */
  answered: z.number().int(),
  /** Its entry in the device's ledger. */
  seq: z.number().int(),
});
export type ApprovalEnd = z.infer<typeof ApprovalEnd>;

export const Approval = z.object({
  id: z.uuid(),
  device: z.object({
    id: z.uuid(),
    hostname: z.string(),
    simulated: z.boolean(),
    team: z.string().nullable(),
  }),
  /** Of the device's clock. */
  askedAt: Timestamp,
  /** When the rule's time is over, by the control plane's clock. */
  expiresAt: Timestamp,
  actor: z.object({
    kind: z.string(),
    id: z.string(),
    name: z.string(),
    pid: z.number().int().nullable(),
    user: z.string().nullable(),
  }),
  action: z.string(),
  target: z.string(),
  /** What it is about, masked; null once it was erased. */
  details: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])).nullable(),
  layer: z.string(),
  rule: z.string(),
  reason: z.string(),
  revision: z.number().int(),
  onTimeout: z.enum(['ALLOW', 'DENY']),
  approversNeeded: z.number().int(),
  /** Its entry in the device's ledger. */
  seq: z.number().int(),
  state: ApprovalState,
  votes: z.array(ApprovalVote),
  end: ApprovalEnd.nullable(),
});
export type Approval = z.infer<typeof Approval>;

export const ApprovalQuery = PageQuery.extend({
  state: z.enum(['pending', 'ended']).optional(),
  device: z.uuid().optional(),
});
export type ApprovalQuery = z.infer<typeof ApprovalQuery>;

/** POST /v1/approvals/{id}/decide */
export const DecideApproval = z
  .strictObject({
    outcome: z.enum(['allow', 'deny']),
    scope: ApprovalScope,
    minutes: ApprovalMinutes.optional(),
    reason: Reason,
  })
  .refine(hasItsMinutes, {
    message: 'minutes go with the scope minutes, and with no other',
    path: ['minutes'],
  });
export type DecideApproval = z.infer<typeof DecideApproval>;

export const WebhookFormat = z.enum(['generic', 'slack', 'teams']);
export type WebhookFormat = z.infer<typeof WebhookFormat>;

/** GET /v1/settings/approvals. The address is a secret of the chat service: only its host is shown. */
export const ApprovalSettings = z.object({
  webhook: z
    .object({ host: z.string(), format: WebhookFormat, updatedAt: Timestamp, updatedBy: z.string() })
    .nullable(),
});
export type ApprovalSettings = z.infer<typeof ApprovalSettings>;

/** PUT /v1/settings/approvals; null switches it off. */
export const UpdateApprovalSettings = z.strictObject({
  webhook: z
    .strictObject({ url: z.url({ protocol: /^https$/ }).max(2_000), format: WebhookFormat })
    .nullable(),
  reason: Reason,
});
export type UpdateApprovalSettings = z.infer<typeof UpdateApprovalSettings>;

/** The key that signs messages is shown once, when an address is set. */
export const UpdatedApprovalSettings = ApprovalSettings.extend({ signingKey: z.string().nullable() });
export type UpdatedApprovalSettings = z.infer<typeof UpdatedApprovalSettings>;
