import { createHash, createPublicKey, verify } from 'node:crypto';
import { fromBase64 } from './base64.ts';

export interface Checkpoint {
  origin: string;
  size: number;
  root: Buffer;
}

/** DER before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 §4). */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Opens a checkpoint (c2sp.org/tlog-checkpoint) that an Ed25519 key signed (c2sp.org/signed-note).
 *
 * @param vkey `NAME+HASH+KEY`
 * @throws Error when the key is none, or did not sign it
 */
export function openCheckpoint(note: string, vkey: string): Checkpoint {
  const [, name = '', hash = '', base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(vkey.trim()) ?? [];
  const typed = fromBase64(base64);
  if (typed.length !== 33 || typed[0] !== 1) throw new Error('not an Ed25519 verifier key');
  const expected = createHash('sha256').update(`${name}\n`).update(typed).digest().subarray(0, 4);
  if (expected.toString('hex') !== hash) throw new Error('the verifier key has another hash');
  const key = createPublicKey({
    key: Buffer.concat([ED25519_SPKI, typed.subarray(1)]),
    format: 'der',
    type: 'spki',
  });

  const cut = note.lastIndexOf('\n\n');
  const text = note.slice(0, cut + 1);
  const signed = note
    .slice(cut + 2)
    .split('\n')
    .filter((line) => line.startsWith(`— ${name} `))
    .map((line) => fromBase64(line.slice(`— ${name} `.length)))
    .filter((signature) => signature.subarray(0, 4).equals(expected));
  if (cut < 0 || signed.length === 0) throw new Error('the key did not sign this note');
  if (!signed.every((signature) => verify(null, Buffer.from(text), key, signature.subarray(4)))) {
    throw new Error('the signature is not over this note');
  }
  const [origin = '', size = '', root = ''] = text.split('\n');
  if (origin !== name) throw new Error('the checkpoint is of a log of another name');
  if (!/^(0|[1-9]\d*)$/.test(size)) throw new Error('the checkpoint has no size');
  const bytes = fromBase64(root);
  if (bytes.length !== 32) throw new Error('the checkpoint has no root');
  return { origin, size: Number(size), root: bytes };
}
