import type { ChainHead } from '@raypher/ledger';
import { type EventBatch, type LedgerEntry, RaypherError } from '@raypher/shared';
import { notAdmitted } from '../link/device-directory.service.ts';
import { fitToChain } from './fit-to-chain.ts';
import type { StoredHead } from './ledger.repository.ts';
import { readQuickly } from './quick-entry.ts';
import { readInFull } from './read-entry.ts';
import { type SpendRow, type SpendSum, SpendTally } from './spend-rows.ts';
import { brokenChain, type VerifiedBatch } from './verify-batch.ts';

/** A batch on its way into the ledger. */
export interface WaitingBatch {
  organisationId: string;
  deviceId: string;
  /** As the device sent it; verified. */
  sent: EventBatch;
  batch: VerifiedBatch;
}

/** A batch in its place on the chain of its device. */
export interface PlacedBatch<Waiting extends WaitingBatch = WaitingBatch> {
  job: Waiting;
  /** Of the chain, with this batch. */
  head: ChainHead;
  /** The first entry that is new, counted from 0; `job.batch.count` when none is. */
  from: number;
}

/** An entry that other tables than `events` are kept in step with. */
export interface FollowedRow {
  organisationId: string;
  deviceId: string;
  entry: LedgerEntry;
  /** What it commits to was sent, too. */
  hasPrivate: boolean;
}

/** How many entries are new. */
export function newIn({ job, from }: PlacedBatch): number {
  return job.batch.count - from;
}

/** The new entries of one kind or another that tables follow, in order. */
export function followedIn({ job, from }: PlacedBatch): FollowedRow[] {
  const { organisationId, deviceId, batch, sent } = job;
  return batch.followed
    .filter(({ index }) => index >= from)
    .map(({ entry }) => ({
      organisationId,
      deviceId,
      entry,
      hasPrivate: sent.privateParts.some(({ seq }) => Number(seq) === entry.seq),
    }));
}

/** What was spent with the new entries. */
export function spendIn(placed: PlacedBatch, receivedAt: Date): SpendRow[] {
  const { organisationId, deviceId } = placed.job;
  return sumsIn(placed, receivedAt).map((sum) => ({ ...sum, organisationId, deviceId }));
}

function sumsIn(placed: PlacedBatch, receivedAt: Date): readonly SpendSum[] {
  const { batch } = placed.job;
  if (placed.from === 0) return batch.spend;
  const tally = new SpendTally(receivedAt);
  for (const entry of entriesIn(placed, batch.count)) tally.add(entry);
  return tally.finish();
}

/**
 * The first new entries, read anew: they were verified, so this is for the few that somebody looks at.
 *
 * @param most how many
 */
export function entriesIn({ job, from }: PlacedBatch, most: number): LedgerEntry[] {
  return job.sent.entries
    .slice(from, from + most)
    .map((bytes) => readQuickly(bytes)?.entry ?? readInFull(bytes).entry);
}

/**
 * Walks batches in the order of arrival; a device that failed once gets nothing more stored.
 *
 * @param heads of the chains, as they are stored
 */
export function placeAll<Waiting extends WaitingBatch>(
  jobs: readonly Waiting[],
  heads: ReadonlyMap<string, StoredHead>,
): {
  placed: PlacedBatch<Waiting>[];
  refused: { job: Waiting; error: RaypherError }[];
  /** Heads that are not what they were. */
  moved: Map<string, ChainHead>;
} {
  const placed: PlacedBatch<Waiting>[] = [];
  const refused: { job: Waiting; error: RaypherError }[] = [];
  const moved = new Map<string, ChainHead>();
  const failed = new Set<string>();
  for (const job of jobs) {
    const { deviceId } = job;
    const stored = heads.get(deviceId);
    const head = stored === undefined ? undefined : { ...stored, ...moved.get(deviceId) };
    const outcome = failed.has(deviceId)
      ? brokenChain({ kind: 'gap', expectedSeq: (head?.seq ?? 0) + 1, foundSeq: job.batch.firstSeq })
      : place(job, head);
    if (outcome instanceof RaypherError) {
      failed.add(deviceId);
      refused.push({ job, error: outcome });
      continue;
    }
    if (newIn(outcome) > 0) moved.set(deviceId, outcome.head);
    placed.push(outcome);
  }
  return { placed, refused, moved };
}

function place<Waiting extends WaitingBatch>(
  job: Waiting,
  stored: StoredHead | undefined,
): PlacedBatch<Waiting> | RaypherError {
  if (stored === undefined) {
    return new RaypherError('device/certificate-unknown', 'This device has no ledger here.');
  }
  if (stored.status !== 'active') return notAdmitted(stored.status);
  const fit = fitToChain(stored, job.batch);
  switch (fit.kind) {
    case 'fault':
      return brokenChain(fit.fault);
    case 'repeated':
      return { job, head: { seq: stored.seq, hash: stored.hash }, from: job.batch.count };
    case 'extends':
      return { job, head: fit.head, from: fit.from };
  }
}
