import { RaypherError } from '@raypher/shared';
import { type Attestation, type Credential, keyName, verifyQuote } from '@raypher/shared/attestation';
import type { PcrValues, TpmEvidence } from '@raypher/shared/rest';
import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { certify, quote } from '../../native/tss2-attestation.ts';
import { nameOf } from '../../native/tss2-objects.ts';
import type { Attester } from '../key-provider.ts';
import { activateCredential } from './activate-credential.ts';
import { openEndorsementKey, readEndorsementKey } from './endorsement-key.ts';
import type { HeldTpm } from './held-tpm.ts';
import { pcrDigest, pcrNumbers, pcrSelection, readPcrValues } from './pcrs.ts';
import { openAttestationKey } from './signing-keys.ts';
import type { TpmIdentity } from './tpm-identity.ts';

/** Something may be measured between the quote and the reading of its values. */
const ATTEMPTS = 5;

/** Proves an identity that a TPM holds. The attestation key is in a slot only while it is used. */
export class TpmAttester implements Attester {
  readonly #held: HeldTpm;
  readonly #identity: TpmIdentity;

  constructor(held: HeldTpm, identity: TpmIdentity) {
    this.#held = held;
    this.#identity = identity;
  }

  evidence(): TpmEvidence {
    const { endorsementKey, attestationKey, deviceKey } = this.#identity;
    const { publicArea, certificate, chain } = this.#held.use((tpm) => readEndorsementKey(tpm));
    // A certificate that came or went since enrolment chooses between RSA and ECC: it must be for the recorded key.
    const isOurs = publicArea.equals(endorsementKey.publicArea);
    return {
      endorsementKey: endorsementKey.publicArea.toString('base64'),
      endorsementCertificate: isOurs ? (certificate?.raw.toString('base64') ?? null) : null,
      endorsementChain: isOurs ? chain.map((issuer) => issuer.raw.toString('base64')) : [],
      attestationKey: attestationKey.toString('base64'),
      deviceKey: deviceKey.toString('base64'),
    };
  }

  activate(credential: Credential): Buffer {
    return this.#held.use((tpm) => {
      using attestation = this.#openAttestationKey(tpm);
      using endorsement = openEndorsementKey(tpm, this.#identity.endorsementKey);
      return activateCredential(tpm, { endorsement, attestation }, credential);
    });
  }

  certify(nonce: Buffer): Attestation {
    return this.#held.use((tpm, deviceKey) => {
      using attestation = this.#openAttestationKey(tpm);
      return certify(tpm, deviceKey, attestation, nonce);
    });
  }

  quote(nonce: Buffer, pcrs: readonly number[]): { quote: Attestation; pcrs: PcrValues } {
    const numbers = pcrNumbers(pcrs);
    return this.#held.use((tpm) => {
      using attestation = this.#openAttestationKey(tpm);
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const statement = quote(tpm, attestation, nonce, pcrSelection(numbers));
        const values = readPcrValues(tpm, numbers);
        const quoted = verifyQuote(statement, this.#identity.attestationKey, nonce);
        if (!quoted.pcrDigest.equals(pcrDigest(values))) continue;
        const entries = [...values].map(([pcr, value]) => [String(pcr), value.toString('hex')]);
        return { quote: statement, pcrs: Object.fromEntries(entries) };
      }
      throw new RaypherError('tpm/unavailable', 'The state of this machine changes too fast to be proven.', {
        hint: 'Try again in a moment.',
      });
    });
  }

  #openAttestationKey(tpm: Tpm): TpmHandle {
    const key = openAttestationKey(tpm, this.#identity.unique);
    if (nameOf(tpm, key).equals(keyName(this.#identity.attestationKey))) return key;
    key[Symbol.dispose]();
    throw new RaypherError(
      'store/corrupt',
      'The identity folder describes another attestation key than the TPM’s.',
      {
        hint: 'Restore it from a backup, or enrol again with `raypher enroll --replace` and a fresh token.',
      },
    );
  }
}
