import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { RaypherError } from '@raypher/shared';
import { createCertificateRequest } from './certificate-request.ts';
import { FileSealer } from './file-sealer.ts';
import type { KeyProvider } from './key-provider.ts';
import { writePrivateFile } from './private-file.ts';

/** A P-256 key in a file that only the owner may read. Shown as "software identity" wherever identity is shown. */
export class SoftwareKeyProvider implements KeyProvider {
  readonly identityClass = 'software';
  readonly attester = undefined;
  readonly sealer: FileSealer;
  readonly publicKey: Buffer;
  readonly keyId: string;
  readonly #key: KeyObject;
  readonly #pem: string;

  private constructor(pem: string, sealer: FileSealer) {
    this.sealer = sealer;
    this.#key = createPrivateKey(pem);
    if (this.#key.asymmetricKeyType !== 'ec' || this.#key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      throw new RaypherError('config/invalid', 'The device key is not a P-256 key.', {
        hint: 'Move the identity folder away and enrol again.',
      });
    }
    this.#pem = pem;
    this.publicKey = createPublicKey(this.#key).export({ type: 'spki', format: 'der' });
    this.keyId = createHash('sha256').update(this.publicKey).digest('hex').slice(0, 16);
  }

  /** Reads the key at `path`, or creates one there (0600, never half written). */
  static async open(path: string): Promise<SoftwareKeyProvider> {
    if (!existsSync(path)) {
      const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      writePrivateFile(path, key.export({ type: 'pkcs8', format: 'pem' }).toString());
    }
    const sealer = new FileSealer(join(dirname(path), 'vault.key'));
    return new SoftwareKeyProvider(readFileSync(path, 'utf8'), sealer);
  }

  async sign(data: Uint8Array): Promise<Buffer> {
    return sign('sha256', data, this.#key);
  }

  async createCsr(): Promise<string> {
    return createCertificateRequest(this.publicKey, this.keyId, (data) => this.sign(data));
  }

  tlsIdentity(certificate: string, ca: string): SecureContextOptions {
    return { key: this.#pem, cert: certificate, ca, minVersion: 'TLSv1.3' };
  }

  close(): void {
    // Nothing is open between calls.
  }
}
