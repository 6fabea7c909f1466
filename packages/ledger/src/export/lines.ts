import { z } from 'zod';
import { GENESIS_HASH } from '../chain.ts';
import { isBase64 } from '../note/base64.ts';
import { EXPORT_FORMAT } from './format.ts';

const Index = z.int().min(0);
export const HexHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .length(GENESIS_HASH.length);
export const Base64 = z.string().refine(isBase64, 'is not base64');

/** `manifest.json`: says what this is. Only what is checked elsewhere counts. */
export const Manifest = z.strictObject({
  format: z.literal(EXPORT_FORMAT),
  organisation: z.uuid(),
  origin: z.string().min(1),
  /** Entries in the log at the newest checkpoint. */
  size: Index,
  exportedAt: z.iso.datetime(),
  /** Entries whose bytes are here, whole bundles; of the others there are hashes alone. */
  range: z.strictObject({ from: Index, to: Index }),
  /** Why entries outside the range are not here, for people. */
  reason: z.string().max(1_000).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

/** A line of `batches.ndjson`: entries of a device that it signed together, at `index` and after. */
export const BatchLine = z.strictObject({
  index: Index,
  count: z.int().min(1),
  device: z.uuid(),
  firstSeq: z.int().min(1),
  /** Hash of the last entry. */
  head: HexHash,
  /** ECDSA P-256 with SHA-256, DER, over `batchStatement`. */
  signature: Base64,
  /** What was signed, where the log had the first entries of it already. */
  statement: z.strictObject({ firstSeq: z.int().min(1), count: z.int().min(1) }).optional(),
});
export type BatchLine = z.infer<typeof BatchLine>;

/** A line of `devices.ndjson`: a key, and the entry of the log that commits to it. */
export const DeviceLine = z.strictObject({
  device: z.uuid(),
  organisation: z.uuid(),
  /** DER of the SPKI; that of a P-256 key has 124 characters. */
  publicKey: Base64.max(1_000),
  /** Index of the control entry of kind `device-key`. */
  from: Index,
  /** That entry, where it is outside the range of the export. */
  entry: Base64.optional(),
});
export type DeviceLine = z.infer<typeof DeviceLine>;

/** A line of `private.ndjson`: the opened private part of an entry. */
export const PrivateLine = z.strictObject({ index: Index, content: Base64 });
export type PrivateLine = z.infer<typeof PrivateLine>;

/** A line of `anchors.ndjson`. */
export const AnchorLine = z.discriminatedUnion('kind', [
  /** A witness whose cosignatures are on checkpoints. */
  z.strictObject({ kind: z.literal('witness'), name: z.string().min(1), vkey: z.string().min(1) }),
  /** A timestamp token over the checkpoint of this size. */
  z.strictObject({ kind: z.literal('rfc3161'), size: Index, token: Base64 }),
]);
export type AnchorLine = z.infer<typeof AnchorLine>;
