import { createHash, randomBytes } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { parsePublicKey } from '@raypher/shared/attestation';
import { type EngineKey, registerEngineKey } from '../../native/openssl-engine.ts';
import { Tpm } from '../../native/tss2.ts';
import { signDigest } from '../../native/tss2-attestation.ts';
import { readPublic } from '../../native/tss2-objects.ts';
import { createCertificateRequest } from '../certificate-request.ts';
import type { KeyProvider } from '../key-provider.ts';
import { readEndorsementKey } from './endorsement-key.ts';
import { HeldTpm } from './held-tpm.ts';
import { UNIQUE_BYTES } from './public-area.ts';
import { signatureToDer } from './signature.ts';
import { openAttestationKey, openDeviceKey } from './signing-keys.ts';
import { TpmAttester } from './tpm-attester.ts';
import { readTpmIdentity, type TpmIdentity, writeTpmIdentity } from './tpm-identity.ts';
import { TpmSealer } from './tpm-sealer.ts';

/**
 * A key that the TPM derives and never gives out. Its slot and the connection stay taken until {@link close}, so a
 * process opens one provider. Every use blocks the event loop until the TPM has answered.
 */
export class TpmKeyProvider implements KeyProvider {
  readonly identityClass = 'tpm';
  readonly publicKey: Buffer;
  readonly keyId: string;
  readonly attester: TpmAttester;
  readonly sealer: TpmSealer;
  readonly #held: HeldTpm;
  #engineKey: EngineKey | undefined;

  private constructor(tcti: string, identity: TpmIdentity) {
    this.#held = new HeldTpm(tcti, identity);
    this.publicKey = parsePublicKey(identity.deviceKey).export({ type: 'spki', format: 'der' });
    this.keyId = createHash('sha256').update(this.publicKey).digest('hex').slice(0, 16);
    this.attester = new TpmAttester(this.#held, identity);
    this.sealer = new TpmSealer(this.#held, identity);
  }

  /**
   * Gives this machine a new identity and keeps what it is derived from.
   *
   * @param path of the file to write, 0600
   * @param tcti where the TPM is, see `locateTpm`
   * @throws RaypherError `enrolment/already-enrolled` when there is one, `tpm/…`, `platform/unsupported`
   */
  static async create(path: string, tcti: string): Promise<TpmKeyProvider> {
    writeTpmIdentity(path, newIdentity(tcti));
    return TpmKeyProvider.open(path, tcti);
  }

  /**
   * @throws RaypherError `device/other-machine` on another TPM than the one it was made with, `tpm/cleared` when that
   * one was given a new seed, `store/corrupt`, `tpm/…`, `platform/unsupported`
   */
  static async open(path: string, tcti: string): Promise<TpmKeyProvider> {
    return new TpmKeyProvider(tcti, readTpmIdentity(path));
  }

  async sign(data: Uint8Array): Promise<Buffer> {
    return this.#signDigest(createHash('sha256').update(data).digest());
  }

  createCsr(): Promise<string> {
    return createCertificateRequest(this.publicKey, this.keyId, (data) => this.sign(data));
  }

  tlsIdentity(certificate: string, ca: string): SecureContextOptions {
    this.#engineKey ??= registerEngineKey(this.publicKey, (digest) => this.#signDigest(digest));
    const { engine, identifier } = this.#engineKey;
    return {
      privateKeyEngine: engine,
      privateKeyIdentifier: identifier,
      cert: certificate,
      ca,
      minVersion: 'TLSv1.3',
    };
  }

  close(): void {
    this.#engineKey?.[Symbol.dispose]();
    this.#engineKey = undefined;
    this.#held[Symbol.dispose]();
  }

  #signDigest(digest: Buffer): Buffer {
    return this.#held.use((tpm, deviceKey) => signatureToDer(signDigest(tpm, deviceKey, digest)));
  }
}

function newIdentity(tcti: string): TpmIdentity {
  using tpm = Tpm.open(tcti);
  const { algorithm, publicArea, fingerprint } = readEndorsementKey(tpm);
  const unique = randomBytes(UNIQUE_BYTES);
  using attestation = openAttestationKey(tpm, unique);
  using device = openDeviceKey(tpm, unique);
  return {
    endorsementKey: { algorithm, publicArea, fingerprint },
    unique,
    attestationKey: readPublic(tpm, attestation),
    deviceKey: readPublic(tpm, device),
  };
}
