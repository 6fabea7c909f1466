import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { RaypherError } from '@raypher/shared/errors';
import { equalBytes } from '../merkle/equal-bytes.ts';
import { p256PointOf } from '../primitives/p256-spki.ts';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { isKeyName } from './key-name.ts';

/**
 * The kinds of signatures that are understood, with their bytes in keys (c2sp.org/signed-note):
 *
 * - `ed25519` (0x01): over the note's text
 * - `ecdsa` (0x02): P-256 with SHA-256 over the note's text
 * - `cosignature` (0x04): Ed25519 of a witness with the time (c2sp.org/tlog-cosignature, v1)
 * - `tree-head` (0x05): P-256 over an RFC 6962 TreeHeadSignature (c2sp.org/static-ct-api)
 */
export type KeyType = 'ed25519' | 'ecdsa' | 'cosignature' | 'tree-head';

const TYPE_BYTES: Record<KeyType, number> = { ed25519: 1, ecdsa: 2, cosignature: 4, 'tree-head': 5 };
const KEY_HASH_BYTES = 4;
const ED25519_BYTES = 32;

export interface VerifierKey {
  readonly name: string;
  /** Four bytes that, with the name, say which key a signature is of. */
  readonly keyHash: Uint8Array;
  readonly type: KeyType;
  /** Ed25519: 32 bytes; P-256: the DER of its SPKI. */
  readonly publicKey: Uint8Array;
}

/** The four bytes for a name and a key, by the rule of its type. */
export function keyHash(name: string, type: KeyType, publicKey: Uint8Array): Uint8Array {
  const { sha256 } = portablePrimitives;
  const input = (key: Uint8Array) =>
    concatBytes(utf8ToBytes(name), Uint8Array.of(0x0a, TYPE_BYTES[type]), key);
  switch (type) {
    case 'ed25519':
    case 'cosignature':
      return sha256(input(publicKey)).slice(0, KEY_HASH_BYTES);
    case 'ecdsa':
      return sha256(publicKey).slice(0, KEY_HASH_BYTES);
    case 'tree-head':
      // The key is there by its log id, RFC 6962 §3.2.
      return sha256(input(sha256(publicKey))).slice(0, KEY_HASH_BYTES);
  }
}

/**
 * A key from its parts.
 *
 * @throws RaypherError `ledger/malformed` when the name may not be in a note, or the key is not one of its type
 */
export function verifierKey(name: string, type: KeyType, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw malformed('Its name is empty, or has spaces or a plus in it.');
  const isKey =
    type === 'ed25519' || type === 'cosignature'
      ? publicKey.length === ED25519_BYTES
      : p256PointOf(publicKey) !== undefined;
  if (!isKey) throw malformed('What it holds is not a public key of its type.');
  return { name, type, publicKey, keyHash: keyHash(name, type, publicKey) };
}

/**
 * Reads `NAME+HASH+KEY`.
 *
 * @throws RaypherError `ledger/malformed` when it is not a key, of a type that is not understood, or its hash is
 *   another
 */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, hash, base64] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su.exec(text) ?? [];
  const bytes = base64 === undefined ? undefined : fromBase64(base64);
  if (name === undefined || bytes === undefined) throw malformed('It is not NAME+HASH+KEY.');
  const type = keyTypeOf(bytes[0]);
  if (type === undefined) throw malformed('Its type is not understood.');
  const key = verifierKey(name, type, bytes.slice(1));
  if (bytesToHex(key.keyHash) !== hash) throw malformed('Its hash is not the one of its name and key.');
  return key;
}

/** Writes `NAME+HASH+KEY`, what `parseVerifierKey` reads. */
export function formatVerifierKey({ name, keyHash, type, publicKey }: VerifierKey): string {
  const key = toBase64(concatBytes(Uint8Array.of(TYPE_BYTES[type]), publicKey));
  return `${name}+${bytesToHex(keyHash)}+${key}`;
}

/** Whether a signature says that it is of this key. */
export function isSameKey(
  left: Pick<VerifierKey, 'name' | 'keyHash'>,
  right: Pick<VerifierKey, 'name' | 'keyHash'>,
): boolean {
  return left.name === right.name && equalBytes(left.keyHash, right.keyHash);
}

function keyTypeOf(byte: number | undefined): KeyType | undefined {
  switch (byte) {
    case 1:
      return 'ed25519';
    case 2:
      return 'ecdsa';
    case 4:
      return 'cosignature';
    case 5:
      return 'tree-head';
    default:
      return undefined;
  }
}

function malformed(why: string): RaypherError {
  return new RaypherError('ledger/malformed', `This verifier key cannot be read. ${why}`, {
    hint: 'A verifier key is one line, such as example.com/log+33d7b496+AeHTu4Q3….',
  });
}
