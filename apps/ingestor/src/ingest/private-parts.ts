import { opensCommitment } from '@raypher/ledger';
import {
  type EventBatch,
  MAX_BATCH_BYTES,
  MAX_BATCH_ENTRIES,
  MAX_PRIVATE_BYTES,
  RaypherError,
} from '@raypher/shared';

/** Bytes of all private parts of a batch. */
export function privateBytes(batch: EventBatch): number {
  return batch.privateParts.reduce((sum, part) => sum + part.content.length, 0);
}

/**
 * Holds the private parts of a batch against what its entries commit to. One that is missing was erased; one that is
 * there must be exactly what the entry says.
 *
 * @param commitmentOf what the entry of this number commits to; undefined for one without, or of another batch
 * @throws RaypherError `link/protocol` for more than an agent would send, `ledger/chain-broken` for parts that do not
 *   belong to their entries
 */
export function verifyPrivateParts(
  batch: EventBatch,
  commitmentOf: (seq: number) => string | undefined,
): void {
  const { privateParts } = batch;
  const seen = new Set<number>();
  if (privateParts.length > MAX_BATCH_ENTRIES || privateBytes(batch) > MAX_BATCH_BYTES) {
    throw new RaypherError('link/protocol', 'The private parts of an event batch are larger than allowed.', {
      details: { parts: privateParts.length, bytes: privateBytes(batch) },
    });
  }
  for (const part of privateParts) {
    // Beyond 2^53 nothing is found.
    const seq = Number(part.seq);
    const commitment = commitmentOf(seq);
    if (commitment === undefined) throw foreignPart(seq, 'no entry of the batch commits to it');
    if (seen.has(seq)) throw foreignPart(seq, 'it is there twice');
    if (part.content.length > MAX_PRIVATE_BYTES)
      throw foreignPart(seq, `it is larger than ${MAX_PRIVATE_BYTES} bytes`);
    if (!opensCommitment(commitment, part.content))
      throw foreignPart(seq, 'it is not what the entry commits to');
    seen.add(seq);
  }
}

function foreignPart(seq: number, why: string): RaypherError {
  return new RaypherError('ledger/chain-broken', `The private part of entry ${seq} is refused: ${why}.`, {
    hint: 'Nothing of this batch was stored. Look at this device: its ledger was changed or damaged.',
    details: { fault: { kind: 'private-part', seq, why } },
  });
}
