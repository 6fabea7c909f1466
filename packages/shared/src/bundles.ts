import { PriceTable } from '@raypher/cost/price-table';
import { z } from 'zod';
import { FreezeSelector } from './freeze-selector.ts';

/**
 * Payloads that the control plane signs (Ed25519, the organisation's policy key) and agents verify.
 * On the wire each is the exact RFC 8785 bytes; the digest is SHA-256 over those bytes.
 * A payload is only accepted by the organisation it names.
 */

/** Public half of the organisation's forensic key. The other half is in nobody's hands but the organisation's. */
export const ForensicRecipient = z.strictObject({
  keyId: z.string().regex(/^[0-9a-f]{16}$/, 'the first 16 hex digits of SHA-256 over the point'),
  /** Uncompressed point of P-256, base64url. */
  publicKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .length(87),
});
export type ForensicRecipient = z.infer<typeof ForensicRecipient>;

/** One policy document as its author wrote it; compiled on the device. */
export const LayerDocument = z.strictObject({
  layer: z.enum(['global', 'team']),
  /** Present for the team layer. */
  team: z.uuid().optional(),
  /** YAML or JSON source, exactly as written. */
  source: z.string().max(1_000_000),
});
export type LayerDocument = z.infer<typeof LayerDocument>;

export const PolicyPayload = z.strictObject({
  kind: z.literal('policy'),
  organisation: z.uuid(),
  revision: z.number().int().min(1),
  issuedAt: z.iso.datetime(),
  documents: z.array(LayerDocument).max(2),
  /** The team this payload is for; given where a document depends on it, and absent for devices in no team. */
  team: z.strictObject({ id: z.uuid(), name: z.string().min(1).max(200) }).optional(),
  /** The organisation's own prices; they come before those that the agent brings along. */
  prices: PriceTable.optional(),
  /** What snapshots of a panic are sealed to; absent as long as the organisation has made no key. */
  forensics: ForensicRecipient.optional(),
});
export type PolicyPayload = z.infer<typeof PolicyPayload>;

export const ActiveFreeze = z.strictObject({
  id: z.uuid(),
  selector: FreezeSelector,
  reason: z.string().max(1000),
  /** Shown to the person at the device: who froze it. */
  by: z.string().max(200),
  since: z.iso.datetime(),
});
export type ActiveFreeze = z.infer<typeof ActiveFreeze>;

/** The whole set of freezes in force; an empty list thaws everything. */
export const FreezePayload = z.strictObject({
  kind: z.literal('freeze'),
  organisation: z.uuid(),
  revision: z.number().int().min(1),
  issuedAt: z.iso.datetime(),
  freezes: z.array(ActiveFreeze).max(1000),
});
export type FreezePayload = z.infer<typeof FreezePayload>;

export const CommandVerb = z.enum([
  'scan',
  'kill',
  'put-secret',
  'revoke-secret',
  'cut-connection',
  'decide-approval',
  'panic',
]);
export type CommandVerb = z.infer<typeof CommandVerb>;

export const CommandPayload = z.strictObject({
  kind: z.literal('command'),
  id: z.uuid(),
  organisation: z.uuid(),
  device: z.uuid(),
  verb: CommandVerb,
  /**
   * `kill`: `{ pid, startTime }` as reported by the inventory. `scan`: `{}`.
   * `put-secret`: `{ name, provider, sealed }`, where `sealed` is a SealedSecret of packages/vault as JSON, encrypted
   * to the device's vault key. `revoke-secret`: `{ name }`.
   * `cut-connection`: `{ connection, by }`: the id that the live view shows, and who wants it.
   * `decide-approval`: `{ approval, outcome, scope, minutes?, by, second? }`: the id of `approval.requested`, `allow` or
   * `deny`, `once`, `session` or `minutes` (1 to 1440, with `minutes` alone), who decided, and who agreed where two must.
   * `panic`: `{ target, agent?, hold, memory, by }`: `all` or `agent` with its id; frozen instead of killed; with a dump
   * of memory; who wants it.
   */
  arguments: z.record(z.string(), z.union([z.string().max(32_768), z.number(), z.boolean()])),
  reason: z.string().max(1000),
  issuedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});
export type CommandPayload = z.infer<typeof CommandPayload>;

export const BundlePayload = z.discriminatedUnion('kind', [PolicyPayload, FreezePayload, CommandPayload]);
export type BundlePayload = z.infer<typeof BundlePayload>;
