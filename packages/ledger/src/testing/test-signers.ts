import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { NoteSignature } from '../note/note.ts';
import type { NoteSigner } from '../note/sign-note.ts';
import { cosignedBytes, encodeCosignature } from '../note/signed-bytes.ts';
import { type VerifierKey, verifierKey } from '../note/verifier-key.ts';

/** A fresh Ed25519 key that signs notes. */
export function testSigner(name: string): { signer: NoteSigner; key: VerifierKey } {
  const { raw, privateKey } = ed25519();
  const key = verifierKey(name, 'ed25519', raw);
  const { keyHash } = key;
  return { key, signer: { name, keyHash, sign: async (bytes) => signed(bytes, privateKey) } };
}

/** A fresh witness. `cosign` takes the text of a checkpoint and a time in seconds. */
export function testWitness(name: string): {
  key: VerifierKey;
  cosign: (text: string, time: number) => NoteSignature;
} {
  const { raw, privateKey } = ed25519();
  const key = verifierKey(name, 'cosignature', raw);
  return {
    key,
    cosign: (text, time) => ({
      name,
      keyHash: key.keyHash,
      signature: encodeCosignature(time, signed(cosignedBytes(time, text), privateKey)),
    }),
  };
}

function ed25519() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { raw: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })).slice(-32), privateKey };
}

function signed(bytes: Uint8Array, key: KeyObject): Uint8Array {
  return new Uint8Array(sign(null, bytes, key));
}
