import { z } from 'zod';
import { Confirmation, Reason, Timestamp } from './common.ts';

/** 32 bytes, lower-case hex. */
const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Index = z.number().int().min(0);

/** What can be wrong with a stored record: what docs/ledger-format.md lists for exports, and the last three. */
export const LedgerFaultCode = z.enum([
  'manifest-mismatch',
  'note-signature',
  'root-mismatch',
  'not-consistent',
  'rolled-back',
  'truncated',
  'malformed',
  'entry-missing',
  'leaf-mismatch',
  'tile-mismatch',
  'not-canonical',
  'wrong-organisation',
  'device-chain',
  'device-signature',
  'unknown-device-key',
  'control-chain',
  'private-mismatch',
  'statement-mismatch',
  'time-stamp',
  /** The log does not begin with what was signed before. */
  'forked',
  /** The end of the log is not the one that was noted when it grew last. */
  'frontier-mismatch',
  /** An entry of a device that never came in a batch. */
  'entry-unplaced',
]);
export type LedgerFaultCode = z.infer<typeof LedgerFaultCode>;

export const LedgerFault = z.object({
  code: LedgerFaultCode,
  /** Place in the log, from 0, of the first entry it concerns. */
  index: Index.optional(),
  device: z.uuid().optional(),
  /** On the device. */
  seq: z.number().int().min(1).optional(),
  detail: z.string(),
});
export type LedgerFault = z.infer<typeof LedgerFault>;

export const LedgerFaults = z.object({
  at: Timestamp,
  /** Of all; `entries` has the first 100. */
  count: z.number().int().min(1),
  entries: z.array(LedgerFault),
});
export type LedgerFaults = z.infer<typeof LedgerFaults>;

export const CheckpointView = z.object({
  size: Index,
  root: Hash,
  at: Timestamp,
  /** The signed note (c2sp.org/tlog-checkpoint). */
  note: z.string(),
  anchors: z.array(z.object({ kind: z.enum(['witness', 'rfc3161']), name: z.string(), at: Timestamp })),
});
export type CheckpointView = z.infer<typeof CheckpointView>;

/** GET /v1/ledger. */
export const LedgerStatus = z.object({
  state: z.enum(['OK', 'CORRUPTED']),
  /** What was found, while the state is CORRUPTED. */
  faults: LedgerFaults.nullable(),
  /** Name of the log; null before its first entry, which is at most a second. */
  origin: z.string().nullable(),
  size: Index,
  root: Hash,
  /** Entries that are durable and have no place yet. */
  waiting: z.number().int().min(0),
  checkpoint: CheckpointView.nullable(),
  /** Entries that somebody else has seen: a witness or a time stamping authority. */
  anchoredUntil: Index,
  /** Entries under a checkpoint that a device of the organisation keeps; null while it is not known. */
  followedUntil: Index.nullable(),
  /** Who has seen which part of it. */
  witnesses: z.array(
    z.object({ kind: z.enum(['witness', 'rfc3161']), name: z.string(), size: Index, at: Timestamp }),
  ),
  /** What to verify checkpoints with (c2sp.org/signed-note). */
  vkey: z.string().nullable(),
  /** The policy key vouches for it. */
  keyStatement: z
    .object({
      /** Exact bytes, base64. */
      payload: z.string(),
      /** Ed25519, base64. */
      signature: z.string(),
      policyKey: z.object({ keyId: z.string(), publicKey: z.string() }),
    })
    .nullable(),
  audit: z.object({
    /** Entries that were looked at since the last complete audit began. */
    size: Index,
    at: Timestamp.nullable(),
    /** When everything was looked at last. */
    completedAt: Timestamp.nullable(),
  }),
});
export type LedgerStatus = z.infer<typeof LedgerStatus>;

export const CheckpointQuery = z.object({ size: z.coerce.number().int().min(1).optional() });

/** GET /v1/ledger/proof: of `index`, or of an entry of a device. */
export const ProofQuery = z
  .object({
    index: z.coerce.number().int().min(0).optional(),
    device: z.uuid().optional(),
    seq: z.coerce.number().int().min(1).optional(),
    /** Of a signed checkpoint; the newest without it. */
    size: z.coerce.number().int().min(1).optional(),
  })
  .refine(
    ({ index, device, seq }) =>
      index === undefined
        ? device !== undefined && seq !== undefined
        : device === undefined && seq === undefined,
    { error: 'give either index, or device and seq' },
  );
export type ProofQuery = z.infer<typeof ProofQuery>;

export const InclusionProof = z.object({
  index: Index,
  size: Index,
  leaf: Hash,
  hashes: z.array(Hash),
  /** The signed checkpoint of this size. */
  checkpoint: z.string(),
});
export type InclusionProof = z.infer<typeof InclusionProof>;

export const ConsistencyQuery = z.object({
  from: z.coerce.number().int().min(0),
  to: z.coerce.number().int().min(0),
});
export type ConsistencyQuery = z.infer<typeof ConsistencyQuery>;

export const ConsistencyProof = z.object({ from: Index, to: Index, hashes: z.array(Hash) });
export type ConsistencyProof = z.infer<typeof ConsistencyProof>;

/** An entry in its place. */
export const LedgerEntryView = z.object({
  index: Index,
  /** RFC 6962 leaf hash, as the log has it. */
  leaf: Hash,
  /** SHA-256 of the entry: what the next one of its chain has as `prev`. */
  hash: Hash.nullable(),
  /** Null: of the control plane. */
  device: z
    .object({ id: z.uuid(), hostname: z.string(), simulated: z.boolean(), seq: z.number().int() })
    .nullable(),
  control: z.object({ id: z.number().int(), kind: z.string() }).nullable(),
  at: Timestamp.nullable(),
  /** Exact bytes; null when they are not there any more. */
  entry: z.string().nullable(),
});
export type LedgerEntryView = z.infer<typeof LedgerEntryView>;

export const LedgerEntriesQuery = z.object({
  /** Entries before this place; the newest without it. */
  before: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type LedgerEntriesQuery = z.infer<typeof LedgerEntriesQuery>;

/** Newest first; `next` is the `before` of the following page. */
export const LedgerEntries = z.object({ items: z.array(LedgerEntryView), next: z.number().int().nullable() });
export type LedgerEntries = z.infer<typeof LedgerEntries>;

/** GET /v1/ledger/export. */
export const LedgerExportQuery = z.object({
  /** Entries from this place on have their bytes in it; of the others there are hashes. */
  from: z.coerce.number().int().min(0).optional(),
  to: z.coerce.number().int().min(1).optional(),
  /** With what entries of the control plane commit to: who did it, to what, why. */
  private: z.stringbool().default(false),
});
export type LedgerExportQuery = z.infer<typeof LedgerExportQuery>;

/** POST /v1/ledger/audit: what a look at everything found. */
export const LedgerAudit = z.object({
  state: z.enum(['OK', 'CORRUPTED']),
  /** Entries that were looked at. */
  entries: z.number().int(),
  faults: LedgerFaults.nullable(),
});
export type LedgerAudit = z.infer<typeof LedgerAudit>;

/** POST /v1/ledger/restart. */
export const RestartLog = z.strictObject({ reason: Reason, confirm: Confirmation });
export type RestartLog = z.infer<typeof RestartLog>;

/** POST /v1/audit/{id}/erase. */
export const EraseAuditEntry = z.strictObject({ reason: Reason });
export type EraseAuditEntry = z.infer<typeof EraseAuditEntry>;
