import { hash, type KeyObject, verify } from 'node:crypto';
import { batchStatement, type ChainFault, extendChain } from '@raypher/ledger';
import {
  type EventBatch,
  type LedgerEntry,
  MAX_BATCH_BYTES,
  MAX_BATCH_ENTRIES,
  RaypherError,
} from '@raypher/shared';
import { APPROVAL_TYPES } from './approval-entry.ts';
import { ALERTING_TYPES } from './entry-alert.ts';
import { type EventLines, LineWriter } from './event-lines.ts';
import { INCIDENT_TYPE } from './incident-sighting.ts';
import { leafHashes } from './leaf-hashes.ts';
import { verifyPrivateParts } from './private-parts.ts';
import { type CheckedEntry, readEntry } from './read-entry.ts';
import { type SpendSum, SpendTally } from './spend-rows.ts';

export interface BatchOwner {
  organisationId: string;
  deviceId: string;
  publicKey: KeyObject;
}

/** An entry that other tables than `events` are kept in step with. */
export interface FollowedEntry {
  /** Its place in the batch, from 0. */
  index: number;
  entry: LedgerEntry;
}

/** Plain data and bytes: it can be made on another thread. */
export interface VerifiedBatch {
  firstSeq: number;
  lastSeq: number;
  /** What the first entry says came before it, hex. */
  prev: string;
  count: number;
  /** Of each entry, lower-case hex. */
  hashes: readonly string[];
  /** Of each entry, 32 bytes one after the other. */
  leafHashes: Uint8Array<ArrayBuffer>;
  lines: EventLines;
  followed: readonly FollowedEntry[];
  /** Of all entries together. */
  spend: readonly SpendSum[];
}

/**
 * Holds a batch against itself: sizes, entries, the links between them, the head, and the device's
 * signature over it. Whether it continues what is stored is decided in the transaction that stores it.
 *
 * @throws RaypherError `link/protocol` for a batch that no agent would send, `ledger/chain-broken` or
 *   `ledger/signature-invalid` for one that was tampered with.
 */
export function verifyBatch(batch: EventBatch, owner: BatchOwner): VerifiedBatch {
  const { entries } = batch;
  const [first] = entries;
  const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
  if (first === undefined || entries.length > MAX_BATCH_ENTRIES || bytes > MAX_BATCH_BYTES) {
    throw new RaypherError('link/protocol', 'An event batch is empty or larger than allowed.', {
      details: { entries: entries.length, bytes },
    });
  }
  if (batch.firstSeq < 1n || batch.firstSeq > BigInt(Number.MAX_SAFE_INTEGER - MAX_BATCH_ENTRIES)) {
    throw new RaypherError('link/protocol', 'An event batch has an impossible sequence number.');
  }
  const firstSeq = Number(batch.firstSeq);
  const firstEntry = readFirst(first, owner, firstSeq);
  const { organisationId, deviceId } = owner;
  const gleaned = new Gleaned(entries.length);
  let current = firstEntry;
  const extended = extendChain(
    { seq: firstSeq - 1, hash: firstEntry.entry.prev },
    entries,
    (bytes) => {
      current = bytes === first ? firstEntry : readEntry(bytes, organisationId, deviceId);
      const { seq, prev, private: commitment } = current.entry;
      return { seq, prev, commitment };
    },
    (bytes) => {
      // Asked for after an entry was read and found to be the next one.
      const digest = hash('sha256', bytes, 'hex');
      gleaned.add(current, digest);
      return digest;
    },
  );
  if ('fault' in extended) throw brokenChain(extended.fault);
  const head = batch.chainHead.toString('hex');
  if (extended.head.hash !== head) {
    throw brokenChain({ kind: 'head-mismatch', expected: extended.head.hash, found: head });
  }
  const statement = batchStatement({
    organisation: owner.organisationId,
    device: owner.deviceId,
    firstSeq,
    count: entries.length,
    head,
  });
  if (!verify('sha256', statement, owner.publicKey, batch.signature)) {
    throw new RaypherError(
      'ledger/signature-invalid',
      'The signature of an event batch is not the device’s.',
      {
        details: { firstSeq, count: entries.length },
      },
    );
  }
  verifyPrivateParts(batch, (seq) => extended.entries[seq - firstSeq]?.value.commitment);
  return {
    firstSeq,
    lastSeq: extended.head.seq,
    prev: firstEntry.entry.prev,
    count: entries.length,
    hashes: extended.entries.map((entry) => entry.hash),
    leafHashes: leafHashes(entries),
    ...gleaned.finish(),
  };
}

/** What is taken from each entry while it is at hand; of the entry itself nothing is kept, unless a table follows it. */
class Gleaned {
  private readonly lines: LineWriter;
  private readonly spend = new SpendTally(new Date());
  private readonly followed: FollowedEntry[] = [];
  private count = 0;

  constructor(entries: number) {
    this.lines = new LineWriter(entries);
  }

  add(checked: CheckedEntry, digest: string): void {
    const { entry } = checked;
    this.lines.add(checked, digest);
    this.spend.add(entry);
    if (FOLLOWED.has(entry.type)) this.followed.push({ index: this.count, entry });
    this.count += 1;
  }

  finish(): Pick<VerifiedBatch, 'lines' | 'spend' | 'followed'> {
    return { lines: this.lines.finish(), spend: this.spend.finish(), followed: this.followed };
  }
}

/** Incidents, alerts and questions are about these. */
const FOLLOWED: ReadonlySet<LedgerEntry['type']> = new Set<LedgerEntry['type']>([
  ...ALERTING_TYPES,
  ...APPROVAL_TYPES,
  INCIDENT_TYPE,
]);

/** It says what the run continues; that claim is held against the stored head when it is committed. */
function readFirst(first: Uint8Array, owner: BatchOwner, seq: number): CheckedEntry {
  try {
    return readEntry(first, owner.organisationId, owner.deviceId);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw brokenChain({ kind: 'malformed', seq, why });
  }
}

export function brokenChain(fault: ChainFault): RaypherError {
  return new RaypherError('ledger/chain-broken', describeFault(fault), {
    hint: 'Nothing of this batch was stored. Look at this device: its ledger was changed or damaged.',
    details: { fault },
  });
}

function describeFault(fault: ChainFault): string {
  switch (fault.kind) {
    case 'gap':
      return `Entry ${fault.expectedSeq} is missing: the device sent ${fault.foundSeq} instead.`;
    case 'not-linked':
      return `Entry ${fault.seq} does not continue the entry before it.`;
    case 'malformed':
      return `Entry ${fault.seq} is not a ledger entry: ${fault.why}.`;
    case 'head-mismatch':
      return 'The head of a batch is not the hash of its last entry.';
  }
}
