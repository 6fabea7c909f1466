import { z } from 'zod';

/** What the gate answers, checked by the client. Unknown members are let through: a newer gate may say more. */
const verdict = z.enum(['ALLOW', 'DENY', 'PROMPT']);
const replayStats = z.object({
  remembered: z.number(),
  capacity: z.number(),
  accepted: z.number(),
  refused: z.number(),
});

export const GATE_RESULTS = {
  hash_car: z.object({ car: z.string(), canonical: z.string(), normalised: z.boolean() }),
  gate_check: z.object({
    car: z.string(),
    verdict,
    rule: z.string(),
    reason: z.string(),
    revision: z.number(),
    source: z.enum(['policy', 'cache', 'permit', 'approval', 'gate']),
    normalised: z.boolean(),
    permit: z.string().optional(),
    expires: z.number().optional(),
    usesLeft: z.number().optional(),
    redact: z.array(z.string()).optional(),
    approval: z.string().optional(),
    message: z.string().optional(),
  }),
  approval_result: z.union([
    z.object({ pending: z.literal(true) }),
    z.object({
      allowed: z.boolean(),
      reason: z.string(),
      permit: z.string().optional(),
      expires: z.number().optional(),
    }),
  ]),
  create_permit: z.object({ permit: z.string(), expires: z.number() }),
  verify_permit: z.discriminatedUnion('valid', [
    z.object({
      valid: z.literal(true),
      verdict: z.enum(['ALLOW', 'PROMPT']),
      usesLeft: z.number(),
      expires: z.number(),
    }),
    z.object({ valid: z.literal(false), fault: z.string(), reason: z.string() }),
  ]),
  cache_get: z.discriminatedUnion('hit', [
    z.object({ hit: z.literal(true), decision: z.object({ verdict, rule: z.string(), reason: z.string() }) }),
    z.object({ hit: z.literal(false) }),
  ]),
  cache_put: z.object({ stored: z.boolean() }),
  cache_invalidate: z.object({ removed: z.number() }),
  cache_stats: z.object({
    entries: z.number(),
    capacity: z.number(),
    revision: z.number(),
    hits: z.number(),
    misses: z.number(),
  }),
  check_replay: z.discriminatedUnion('fresh', [
    z.object({ fresh: z.literal(true), usesLeft: z.number() }),
    z.object({ fresh: z.literal(false), fault: z.string() }),
  ]),
  replay_stats: z.object({ permits: replayStats, nonces: replayStats }),
  ping: z.object({ pong: z.literal(true), time: z.number() }),
  version: z.object({ name: z.string(), protocol: z.number(), methods: z.array(z.string()) }),
} as const;

export type GateMethod = keyof typeof GATE_RESULTS;
export type GateResult<M extends GateMethod> = z.infer<(typeof GATE_RESULTS)[M]>;
