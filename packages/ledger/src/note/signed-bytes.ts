import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { parseCheckpoint } from './checkpoint.ts';

const TIMESTAMP_BYTES = 8;
/** struct DigitallySigned (RFC 5246 §4.7): SHA-256 and ECDSA, then the length as uint16. */
const SHA256_ECDSA = [4, 3] as const;
const DIGITALLY_SIGNED_BYTES = 4;

/**
 * What a witness signs (c2sp.org/tlog-cosignature, v1).
 *
 * @param time seconds since 1970
 * @param text the checkpoint without signatures
 */
export function cosignedBytes(time: number, text: string): Uint8Array {
  if (!Number.isSafeInteger(time) || time < 0) throw new RangeError(`${time} is not a time in seconds.`);
  return utf8ToBytes(`cosignature/v1\ntime ${time}\n${text}`);
}

/** The signature of a witness as it is in a note: the time as uint64, then 64 bytes. */
export function encodeCosignature(time: number, signature: Uint8Array): Uint8Array {
  const head = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(head.buffer).setBigUint64(0, BigInt(time));
  return concatBytes(head, signature);
}

/** Takes apart what `encodeCosignature` makes; undefined when it is not that. */
export function decodeCosignature(bytes: Uint8Array): { time: number; signature: Uint8Array } | undefined {
  if (bytes.length !== TIMESTAMP_BYTES + 64) return undefined;
  const time = uint64(bytes);
  return Number.isSafeInteger(time) ? { time, signature: bytes.subarray(TIMESTAMP_BYTES) } : undefined;
}

/**
 * What a log of Certificate Transparency signs, and its signature, from a note's text and signature bytes
 * (c2sp.org/static-ct-api; RFC 6962 §3.5). Undefined when the text is no checkpoint, or they have another form.
 */
export function treeHeadOf(
  text: string,
  bytes: Uint8Array,
): { message: Uint8Array; signature: Uint8Array } | undefined {
  const start = TIMESTAMP_BYTES + DIGITALLY_SIGNED_BYTES;
  if (bytes.length <= start) return undefined;
  const [hashAlgorithm, signatureAlgorithm, high = 0, low = 0] = bytes.subarray(TIMESTAMP_BYTES);
  if (hashAlgorithm !== SHA256_ECDSA[0] || signatureAlgorithm !== SHA256_ECDSA[1]) return undefined;
  if (high * 256 + low !== bytes.length - start) return undefined;
  let checkpoint: ReturnType<typeof parseCheckpoint>;
  try {
    checkpoint = parseCheckpoint(text);
  } catch {
    return undefined;
  }
  // The signature does not cover them.
  if (checkpoint.extensions.length > 0) return undefined;
  const message = new Uint8Array(2 + TIMESTAMP_BYTES + 8 + 32);
  message.set([0, 1]);
  message.set(bytes.subarray(0, TIMESTAMP_BYTES), 2);
  new DataView(message.buffer).setBigUint64(2 + TIMESTAMP_BYTES, BigInt(checkpoint.size));
  message.set(checkpoint.root, 2 + TIMESTAMP_BYTES + 8);
  return { message, signature: bytes.subarray(start) };
}

function uint64(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0));
}
