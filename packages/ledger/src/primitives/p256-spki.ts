import { concatBytes, hexToBytes } from '@noble/hashes/utils.js';

/** AlgorithmIdentifier of P-256 keys and the head of the bit string, as RFC 5480 writes them. */
const PREFIX = hexToBytes('3059301306072a8648ce3d020106082a8648ce3d030107034200');
const UNCOMPRESSED = 0x04;
const POINT_BYTES = 65;

/** The point (65 bytes, 0x04 first) of a P-256 key's SPKI, or undefined: compressed points and other keys are not read. */
export function p256PointOf(spki: Uint8Array): Uint8Array | undefined {
  if (spki.length !== PREFIX.length + POINT_BYTES || spki[PREFIX.length] !== UNCOMPRESSED) return undefined;
  if (!PREFIX.every((byte, at) => spki[at] === byte)) return undefined;
  return spki.subarray(PREFIX.length);
}

/** The SPKI of a point of 65 bytes. */
export function spkiOfP256Point(point: Uint8Array): Uint8Array {
  return concatBytes(PREFIX, point);
}
