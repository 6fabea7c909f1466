import { z } from 'zod';
import { Timestamp } from './common.ts';
import { PolicyDocuments } from './control.ts';

const Outcome = z.enum(['ALLOW', 'PROMPT', 'DENY']);

/** Events that are looked at, at most. */
export const MAX_REPLAYED = 50_000;

/** POST /v1/policies/replay: what documents would have changed, over recorded events. */
export const ReplayPolicy = z.strictObject({
  documents: PolicyDocuments,
  from: Timestamp,
  to: Timestamp,
  /** Newest events first. */
  limit: z.number().int().min(1).max(MAX_REPLAYED).default(10_000),
  /** Looks at the documents as if each of them enforced. */
  assumeEnforced: z.boolean().default(false),
});
export type ReplayPolicy = z.infer<typeof ReplayPolicy>;

export const ReplayChange = z.object({
  before: Outcome,
  after: Outcome,
  ruleBefore: z.string(),
  ruleAfter: z.string(),
  direction: z.enum(['stricter', 'milder']),
  count: z.number().int(),
  examples: z.array(
    z.object({
      deviceId: z.uuid(),
      seq: z.number().int(),
      at: Timestamp,
      actor: z.string(),
      action: z.string(),
      target: z.string(),
    }),
  ),
});
export type ReplayChange = z.infer<typeof ReplayChange>;

export const ReplayedPolicy = z.object({
  /** Events that were looked at. */
  events: z.number().int(),
  /** Those that are the record of a request. */
  requests: z.number().int(),
  unchanged: z.number().int(),
  /** Events of no request that can be decided again, such as answers of models. */
  notReplayed: z.number().int(),
  /** When the newest and the oldest event that was looked at arrived. */
  covered: z.object({ from: Timestamp, to: Timestamp }).nullable(),
  /** Why not all events of the time were looked at; null when they were. */
  stoppedBy: z.enum(['limit', 'time']).nullable(),
  /** What is not known about requests that were recorded, in sentences. */
  unknown: z.array(z.string()),
  /** Most frequent first. */
  changes: z.array(ReplayChange),
});
export type ReplayedPolicy = z.infer<typeof ReplayedPolicy>;

/** Answer of PUT /v1/policies. */
export const AppliedPolicy = z.object({
  /** False where the running documents and tests say the same already. */
  changed: z.boolean(),
  dryRun: z.boolean(),
  /** The revision that runs; with a dry run the one that ran before. */
  revision: z.number().int(),
  rolloutId: z.uuid().nullable(),
  /** In words, by document. */
  changes: z.array(
    z.object({ layer: z.enum(['global', 'team']), team: z.uuid().optional(), words: z.string() }),
  ),
  /** Of a dry run: the last 7 days. */
  replay: ReplayedPolicy.nullable(),
});
export type AppliedPolicy = z.infer<typeof AppliedPolicy>;
