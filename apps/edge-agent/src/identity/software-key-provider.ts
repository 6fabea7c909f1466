import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, webcrypto } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { RaypherError } from '@raypher/shared';
import type { KeyProvider } from './key-provider.ts';
import { writePrivateFile } from './private-file.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A P-256 key in a file that only the owner may read. Shown as "software identity" wherever identity is shown. */
export class SoftwareKeyProvider implements KeyProvider {
  readonly identityClass = 'software';
  readonly publicKey: Buffer;
  readonly keyId: string;
  readonly #key: KeyObject;
  readonly #pem: string;

  private constructor(pem: string) {
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
      const pair = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', pair.privateKey);
      const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
      writePrivateFile(path, key.export({ type: 'pkcs8', format: 'pem' }).toString());
    }
    return new SoftwareKeyProvider(readFileSync(path, 'utf8'));
  }

  async sign(data: Uint8Array): Promise<Buffer> {
    return sign('sha256', data, this.#key);
  }

  async createCsr(): Promise<string> {
    const pkcs8 = this.#key.export({ type: 'pkcs8', format: 'der' });
    const [privateKey, publicKey] = await Promise.all([
      webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']),
      webcrypto.subtle.importKey('spki', this.publicKey, ALGORITHM, true, ['verify']),
    ]);
    const request = await Pkcs10CertificateRequestGenerator.create({
      name: `CN=${this.keyId}`,
      keys: { privateKey, publicKey },
      signingAlgorithm: ALGORITHM,
    });
    return request.toString('pem');
  }

  tlsIdentity(certificate: string, ca: string): SecureContextOptions {
    return { key: this.#pem, cert: certificate, ca, minVersion: 'TLSv1.3' };
  }
}
