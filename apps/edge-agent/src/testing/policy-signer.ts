import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { canonicalBytes } from '@raypher/ledger';
import { type BundlePayload, SignedBundle, StateSlot } from '@raypher/shared';

/** An organisation's policy key, as the control plane holds it. */
export class PolicySigner {
  readonly keyId: string;
  /** Raw, base64. */
  readonly publicKey: string;
  readonly #key: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    this.publicKey = raw.toString('base64');
    this.keyId = createHash('sha256').update(raw).digest('hex').slice(0, 16);
    this.#key = privateKey;
  }

  bundle(payload: BundlePayload): SignedBundle {
    return this.statement(payload);
  }

  /** Whatever it says. */
  statement(value: unknown): SignedBundle {
    const bytes = Buffer.from(canonicalBytes(value));
    return SignedBundle.fromPartial({
      payload: bytes,
      signature: sign(null, bytes, this.#key),
      keyId: this.keyId,
    });
  }

  slot(payload: Extract<BundlePayload, { revision: number }>): StateSlot {
    const bundle = this.bundle(payload);
    return StateSlot.fromPartial({
      revision: BigInt(payload.revision),
      digest: createHash('sha256').update(bundle.payload).digest(),
      bundle,
    });
  }
}
