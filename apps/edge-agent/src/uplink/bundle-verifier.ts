import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readLogKeyStatement, type StatedLogKey } from '@raypher/ledger';
import { BundlePayload, RaypherError, type SignedBundle } from '@raypher/shared';
import type { PolicyKey } from '../identity/enrolment.ts';

/** The fixed start of an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4); the raw key follows. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export interface VerifiedBundle<K extends BundlePayload['kind'] = BundlePayload['kind']> {
  payload: Extract<BundlePayload, { kind: K }>;
  /** SHA-256 of the payload's bytes, lower-case hex. */
  digest: string;
}

/** Checks signed bundles against what this device trusts since its enrolment. */
export class BundleVerifier {
  readonly #organisation: string;
  readonly #keys: ReadonlyMap<string, KeyObject>;

  constructor(organisation: string, policyKeys: readonly PolicyKey[]) {
    this.#organisation = organisation;
    this.#keys = new Map(policyKeys.map(({ publicKey }) => namedKey(Buffer.from(publicKey, 'base64'))));
  }

  /**
   * @param digest the digest that the message claims for the payload, when it claims one
   * @throws RaypherError `bundle/digest-mismatch`, `bundle/signature-invalid` or `bundle/wrong-organisation`
   */
  verify<K extends BundlePayload['kind']>(
    kind: K,
    bundle: SignedBundle | undefined,
    digest?: Uint8Array,
  ): VerifiedBundle<K> {
    if (bundle === undefined) {
      throw new RaypherError('bundle/digest-mismatch', `The ${kind} came without its content.`);
    }
    const found = createHash('sha256').update(bundle.payload).digest();
    if (digest !== undefined && !found.equals(digest)) {
      throw new RaypherError('bundle/digest-mismatch', `The ${kind} does not have the announced digest.`);
    }
    this.#requireSigned(kind, bundle);
    const payload = parsePayload(bundle.payload);
    if (!isKind(payload, kind)) {
      throw new RaypherError(
        'bundle/signature-invalid',
        `A ${payload.kind} was signed where a ${kind} belongs.`,
      );
    }
    if (payload.organisation !== this.#organisation) {
      throw new RaypherError('bundle/wrong-organisation', `The ${kind} belongs to another organisation.`);
    }
    return { payload, digest: found.toString('hex') };
  }

  /**
   * What the policy key says of the key that the organisation's log is signed with.
   *
   * @throws RaypherError `bundle/signature-invalid`, `bundle/wrong-organisation` or `ledger/malformed`
   */
  verifyLogKey(statement: SignedBundle | undefined): StatedLogKey {
    const what = "statement about the log's key";
    if (statement === undefined) throw new RaypherError('ledger/malformed', `There is no ${what}.`);
    this.#requireSigned(what, statement);
    const stated = readLogKeyStatement(statement.payload);
    if (stated.organisation !== this.#organisation) {
      throw new RaypherError('bundle/wrong-organisation', `The ${what} is of another organisation.`);
    }
    return stated;
  }

  #requireSigned(what: string, { payload, signature, keyId }: SignedBundle): void {
    const key = this.#keys.get(keyId);
    if (key === undefined) {
      throw new RaypherError(
        'bundle/signature-invalid',
        `The ${what} is signed by a key this device does not know.`,
        { details: { keyId } },
      );
    }
    if (!verify(null, payload, key, signature)) {
      throw new RaypherError('bundle/signature-invalid', `The signature of the ${what} is not valid.`);
    }
  }
}

function namedKey(raw: Buffer): [string, KeyObject] {
  const id = createHash('sha256').update(raw).digest('hex').slice(0, 16);
  return [id, createPublicKey({ key: Buffer.concat([ED25519_SPKI, raw]), format: 'der', type: 'spki' })];
}

function parsePayload(bytes: Uint8Array): BundlePayload {
  try {
    return BundlePayload.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new RaypherError('policy/schema', 'A signed bundle does not have the expected form.', {
      hint: 'The agent may be older than the control plane: update it.',
      cause,
    });
  }
}

function isKind<K extends BundlePayload['kind']>(
  payload: BundlePayload,
  kind: K,
): payload is Extract<BundlePayload, { kind: K }> {
  return payload.kind === kind;
}
