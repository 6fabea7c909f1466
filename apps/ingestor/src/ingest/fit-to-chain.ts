import type { ChainFault, ChainHead } from '@raypher/ledger';
import type { VerifiedBatch } from './verify-batch.ts';

export type Fit =
  /** Everything is stored already. */
  | { kind: 'repeated' }
  /** Store the entries from this index on. */
  | { kind: 'extends'; from: number; head: ChainHead }
  | { kind: 'fault'; fault: ChainFault };

/**
 * Places a verified batch on the stored chain of its device. At least once on the wire becomes exactly
 * once in the ledger here: what is stored already is cut off, and the rest must continue the stored head.
 */
export function fitToChain(stored: ChainHead, batch: VerifiedBatch): Fit {
  if (batch.firstSeq > stored.seq + 1) {
    return { kind: 'fault', fault: { kind: 'gap', expectedSeq: stored.seq + 1, foundSeq: batch.firstSeq } };
  }
  const known = stored.seq - batch.firstSeq + 1;
  // The hash of the entry that the stored head must be, as far as this batch reaches it.
  const before = known === 0 ? batch.prev : batch.hashes[known - 1];
  if (before !== undefined && before !== stored.hash) {
    return {
      kind: 'fault',
      fault: { kind: 'not-linked', seq: stored.seq + 1, expectedPrev: stored.hash, foundPrev: before },
    };
  }
  const last = batch.hashes.at(-1);
  if (last === undefined || batch.lastSeq <= stored.seq) return { kind: 'repeated' };
  return { kind: 'extends', from: known, head: { seq: batch.lastSeq, hash: last } };
}
