import { z } from 'zod';

/** Whom a panic is for. */
export const PanicTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  /** The whole id of an AI agent, or the beginning of it that no other one has. */
  z.strictObject({ kind: z.literal('agent'), agent: z.string().min(4).max(128) }),
  z.strictObject({ kind: z.literal('process'), pid: z.int().min(1) }),
]);
export type PanicTarget = z.infer<typeof PanicTarget>;

const ProcessRef = z.strictObject({ pid: z.int(), startTime: z.int() });

/** What a panic is about to do, on disk before anything is touched: a restarted agent finishes it. */
export const PanicIntent = z.strictObject({
  v: z.literal(1),
  id: z.uuid(),
  at: z.iso.datetime(),
  by: z.string().max(200),
  reason: z.string().max(1000),
  origin: z.enum(['device', 'control plane']),
  target: PanicTarget,
  /** For people. */
  label: z.string().max(300),
  /** Keep them frozen instead of ending them. */
  hold: z.boolean(),
  memory: z.boolean(),
  /** Pids mean nothing after the next boot. */
  bootId: z.string(),
  /** What is to be ended; all that stand still, once they do. */
  roots: z.array(ProcessRef),
  sealed: z
    .strictObject({
      file: z.string(),
      sha256: z.string(),
      bytes: z.int(),
      keyId: z.string(),
      recipient: z.enum(['organisation', 'machine']),
    })
    .optional(),
});
export type PanicIntent = z.infer<typeof PanicIntent>;
export type SealedFile = NonNullable<PanicIntent['sealed']>;
