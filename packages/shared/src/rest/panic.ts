import { z } from 'zod';
import { ForensicRecipient } from '../bundles.ts';
import { Confirmation, Reason, Timestamp } from './common.ts';

/** POST /v1/devices/{id}/panic: freeze, sealed snapshot, reset connections, then kill or keep frozen. */
export const TriggerPanic = z
  .strictObject({
    target: z.enum(['all', 'agent']),
    /** AiAgentId; for `agent` alone. */
    agent: z.string().min(16).max(128).optional(),
    /** Keep them frozen instead of ending them. */
    hold: z.boolean().default(false),
    /** Dump their memory into the snapshot, with whatever secrets it holds. */
    memory: z.boolean().default(false),
    reason: Reason,
    /** For `all`: the name of the device, so that nobody does it by reflex. */
    confirm: Confirmation.optional(),
  })
  .refine(({ target, agent }) => (target === 'agent') === (agent !== undefined), {
    message: 'an AI agent is named for the target agent, and for no other',
    path: ['agent'],
  });
export type TriggerPanic = z.infer<typeof TriggerPanic>;

/** What a device answered. The snapshot itself stays on the device. */
export const PanicOutcome = z.object({
  label: z.string(),
  hold: z.boolean(),
  /** Ended, or held frozen. */
  processes: z.number().int(),
  severed: z.number().int(),
  notSevered: z.array(z.string()),
  survivors: z.number().int(),
  snapshot: z
    .object({
      sha256: z.string(),
      bytes: z.number().int(),
      keyId: z.string(),
      recipient: z.enum(['organisation', 'machine']),
    })
    .nullable(),
  snapshotFault: z.string().nullable(),
  suspendedMs: z.number(),
  durationMs: z.number(),
});
export type PanicOutcome = z.infer<typeof PanicOutcome>;

export const ForensicKeySetting = z.object({
  /** Null: snapshots are sealed to a key of each machine. */
  key: ForensicRecipient.nullable(),
  updatedAt: Timestamp.nullable(),
  updatedBy: z.string().nullable(),
});
export type ForensicKeySetting = z.infer<typeof ForensicKeySetting>;
/** PUT /v1/settings/forensics: the public half only; what is sealed to the key before stays sealed to it. */
export const PutForensicKey = z.strictObject({
  key: ForensicRecipient,
  reason: Reason,
  confirm: Confirmation,
});
export type PutForensicKey = z.infer<typeof PutForensicKey>;
