import { concatBytes } from '@noble/hashes/utils.js';
import { RaypherError } from '@raypher/shared/errors';
import { Frontier } from './frontier.ts';
import { HASH_BYTES } from './hash.ts';

const SIZE_BYTES = 8;

/** The size as uint64, big-endian, then the hashes, largest subtree first. */
export function encodeFrontier({ size, hashes }: Frontier): Uint8Array {
  const head = new Uint8Array(SIZE_BYTES);
  new DataView(head.buffer).setBigUint64(0, BigInt(size));
  return concatBytes(head, ...hashes);
}

/** @throws RaypherError `ledger/malformed` when these are not the bytes of a frontier */
export function decodeFrontier(bytes: Uint8Array): Frontier {
  try {
    if (bytes.length < SIZE_BYTES) throw new RangeError(`It has ${bytes.length} bytes.`);
    const size = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0));
    const hashes: Uint8Array[] = [];
    for (let at = SIZE_BYTES; at < bytes.length; at += HASH_BYTES)
      hashes.push(bytes.slice(at, at + HASH_BYTES));
    return Frontier.of(size, hashes);
  } catch (cause) {
    throw new RaypherError('ledger/malformed', 'The stored frontier of the log cannot be read.', { cause });
  }
}
