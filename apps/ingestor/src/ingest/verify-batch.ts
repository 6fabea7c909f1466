import { type KeyObject, verify } from 'node:crypto';
import { batchStatement, type ChainFault, extendChain } from '@raypher/ledger';
import { type EventBatch, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, RaypherError } from '@raypher/shared';
import { privateBytes, verifyPrivateParts } from './private-parts.ts';
import { type CheckedEntry, readEntry } from './read-entry.ts';

export interface BatchOwner {
  organisationId: string;
  deviceId: string;
  publicKey: KeyObject;
}

export interface VerifiedBatch {
  firstSeq: number;
  lastSeq: number;
  /** What the first entry says came before it, hex. */
  prev: string;
  entries: { value: CheckedEntry; hash: string }[];
  /** What entries commit to, as far as it was sent, by sequence number. */
  privateParts: Map<number, Buffer>;
  /** Of all entries and private parts together. */
  bytes: number;
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
  const extended = extendChain({ seq: firstSeq - 1, hash: firstEntry.prev }, entries, (entry) =>
    entry === first ? firstEntry : readEntry(entry, owner.organisationId, owner.deviceId),
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
  const privateParts = verifyPrivateParts(batch, (seq) => extended.entries[seq - firstSeq]?.value.private);
  return {
    firstSeq,
    lastSeq: extended.head.seq,
    prev: firstEntry.prev,
    entries: extended.entries,
    privateParts,
    bytes: bytes + privateBytes(batch),
  };
}

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
