import { FreezeSelector } from '@raypher/shared';
import { z } from 'zod';
import { APPROVAL_REQUESTS } from '../approvals/approval-requests.ts';
import { PanicTarget } from '../panic/panic-intent.ts';
import { VAULT_REQUESTS } from '../vault/vault-requests.ts';

/** What the command line may ask of the service: one JSON object per line. */
export const ControlRequest = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.literal('status') }),
  z.strictObject({ verb: z.literal('scan') }),
  z.strictObject({
    verb: z.literal('freeze'),
    selector: FreezeSelector,
    reason: z.string().max(1000),
    by: z.string().max(200),
  }),
  /** Without an id: every freeze that was set at this machine. */
  z.strictObject({ verb: z.literal('thaw'), id: z.uuid().optional(), by: z.string().max(200) }),
  z.strictObject({ verb: z.literal('kill'), pid: z.int().min(1), by: z.string().max(200) }),
  z.strictObject({
    verb: z.literal('panic'),
    target: PanicTarget,
    hold: z.boolean(),
    memory: z.boolean(),
    reason: z.string().min(1).max(1000),
    by: z.string().max(200),
  }),
  /** Paths are absolute; without a uid, whoever runs it. */
  z.strictObject({
    verb: z.literal('allow'),
    path: z.string().startsWith('/').max(4096),
    script: z.string().startsWith('/').max(4096).optional(),
    uid: z.int().min(0).optional(),
    by: z.string().max(200),
  }),
  z.strictObject({ verb: z.literal('disallow'), target: z.string().max(4096), by: z.string().max(200) }),
  z.strictObject({ verb: z.literal('allowed') }),
  z.strictObject({ verb: z.literal('logs'), lines: z.int().min(0).max(10_000), follow: z.boolean() }),
  ...APPROVAL_REQUESTS,
  z.strictObject({ verb: z.literal('connections') }),
  z.strictObject({
    verb: z.literal('cut-connection'),
    connection: z.uuid(),
    reason: z.string().max(1000),
    by: z.string().max(200),
  }),
  z.strictObject({ verb: z.literal('budget') }),
  /** The policy in force, document by document. */
  z.strictObject({ verb: z.literal('policy') }),
  /** What the policy comes to for a command that is about to start, in its control group if it has one. */
  z.strictObject({
    verb: z.literal('guard-policy'),
    // The folder name of a control group, no path.
    group: z
      .string()
      .regex(/^run-[0-9A-Za-z-]{1,100}$/)
      .optional(),
  }),
  z.strictObject({ verb: z.literal('entry'), seq: z.int().min(1) }),
  ...VAULT_REQUESTS,
]);
export type ControlRequest = z.infer<typeof ControlRequest>;

/** What comes back: one `result`, or an `error`; `logs` sends any number of `entry` lines first. */
export const ControlAnswer = z.union([
  z.strictObject({ result: z.unknown() }),
  z.strictObject({ entry: z.unknown() }),
  z.strictObject({
    error: z.object({
      code: z.string(),
      message: z.string(),
      hint: z.string().optional(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);
export type ControlAnswer = z.infer<typeof ControlAnswer>;

/** A longer line is not a request. */
export const MAX_REQUEST_BYTES = 64 * 1024;
