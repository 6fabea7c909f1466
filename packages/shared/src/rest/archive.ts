import { z } from 'zod';
import { Reason, Timestamp } from './common.ts';

/** Bounds of what an organisation decides; the database holds to them, too. */
export const MIN_HOT_DAYS = 7;
export const MAX_HOT_DAYS = 2555;
export const MAX_ARCHIVE_YEARS = 7;

export const LegalHold = z.object({
  id: z.uuid(),
  reason: z.string(),
  placedAt: Timestamp,
  placedBy: z.string(),
  liftedAt: Timestamp.nullable(),
  liftedBy: z.string().nullable(),
  liftReason: z.string().nullable(),
});
export type LegalHold = z.infer<typeof LegalHold>;

/** GET /v1/settings/record-retention */
export const RecordRetention = z.object({
  /** Full days that events stay in the database at least. */
  hotDays: z.number().int(),
  /** Years that the objects of the archive are locked, where its place can lock. */
  archiveYears: z.number().int(),
  updatedAt: Timestamp.nullable(),
  updatedBy: z.string().nullable(),
  /** A legal hold is in force, or was until less than seven days ago: nothing is erased. */
  isHeld: z.boolean(),
  /** Newest first. */
  holds: z.array(LegalHold),
  /** Days whose events are in the archive alone. */
  archivedOnly: z.object({
    days: z.number().int(),
    events: z.number().int(),
    newestDay: z.string().nullable(),
  }),
});
export type RecordRetention = z.infer<typeof RecordRetention>;

export const UpdateRecordRetention = z.strictObject({
  hotDays: z.number().int().min(MIN_HOT_DAYS).max(MAX_HOT_DAYS),
  archiveYears: z.number().int().min(1).max(MAX_ARCHIVE_YEARS),
  reason: Reason,
});
export type UpdateRecordRetention = z.infer<typeof UpdateRecordRetention>;

/** POST /v1/settings/legal-holds, and …/{id}/lift */
export const LegalHoldReason = z.strictObject({ reason: Reason });
export type LegalHoldReason = z.infer<typeof LegalHoldReason>;

/** GET /v1/ledger/archive */
export const ArchiveStatus = z.object({
  /** Null: the installation has none, and nothing leaves the database. */
  destination: z.string().nullable(),
  state: z.enum(['not-configured', 'ok', 'unreachable', 'conflict', 'corrupted']),
  /** What is wrong, for people. */
  problem: z.string().nullable(),
  /** Entries of the log that a signed checkpoint covers. */
  logSize: z.number().int(),
  archivedSize: z.number().int(),
  archivedAt: Timestamp.nullable(),
  /** Entries that were read back. */
  checkedSize: z.number().int(),
  checkedAt: Timestamp.nullable(),
  /** All of it, from the first entry on. */
  verifiedSize: z.number().int(),
  verifiedAt: Timestamp.nullable(),
});
export type ArchiveStatus = z.infer<typeof ArchiveStatus>;

/** Entries of one answer at most. */
export const MAX_ARCHIVED_ENTRIES = 1_024;

/** GET /v1/ledger/archive/entries: a range, to be searched elsewhere. */
export const ArchivedRange = z.strictObject({
  from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(MAX_ARCHIVED_ENTRIES).default(256),
});
export type ArchivedRange = z.infer<typeof ArchivedRange>;
export const ArchivedEntries = z.object({
  items: z.array(z.object({ index: z.number().int(), entry: z.string() })),
  /** Where to go on; null at the end of the archive. */
  next: z.number().int().nullable(),
});
export type ArchivedEntries = z.infer<typeof ArchivedEntries>;

/** GET /v1/ledger/archive/entries/{index}: read from the archive, and proven before it is shown. */
export const ArchivedEntry = z.object({
  index: z.number().int(),
  /** Exact bytes, as text. */
  entry: z.string(),
  /** Of the checkpoint that the proof is for. */
  size: z.number().int(),
  checkpoint: z.string(),
  /** RFC 6962 inclusion proof, hex. */
  proof: z.array(z.string()),
});
export type ArchivedEntry = z.infer<typeof ArchivedEntry>;
