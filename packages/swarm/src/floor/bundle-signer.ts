import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { canonicalBytes } from '@raypher/ledger';
import type { BundlePayload, StateSlot } from '@raypher/shared';

/** Signs state the way the control plane does, with a key of its own. */
export class BundleSigner {
  readonly keyId: string;
  /** Raw 32 bytes, base64. */
  readonly publicKey: string;
  readonly #key: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    this.publicKey = raw.toString('base64');
    this.keyId = createHash('sha256').update(raw).digest('hex').slice(0, 16);
    this.#key = privateKey;
  }

  sign(payload: BundlePayload & { revision: number }): StateSlot {
    const bytes = Buffer.from(canonicalBytes(payload));
    return {
      revision: BigInt(payload.revision),
      digest: createHash('sha256').update(bytes).digest(),
      bundle: { payload: bytes, signature: sign(null, bytes, this.#key), keyId: this.keyId },
    };
  }
}
