import type { SecureContextOptions } from 'node:tls';

/**
 * The device's key. Nothing outside `identity/` ever holds it: the rest of the agent asks for signatures,
 * certificate requests and TLS options, so that a key that never leaves a TPM fits behind the same interface.
 */
export interface KeyProvider {
  /** `software`: a file on this disk. `tpm`: bound to this machine's chip. */
  readonly identityClass: 'software' | 'tpm';
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  /** First 16 hex digits of SHA-256 over {@link publicKey}. */
  readonly keyId: string;
  /** ECDSA P-256 with SHA-256, DER (RFC 3279 §2.2.3). */
  sign(data: Uint8Array): Promise<Buffer>;
  /** A PKCS#10 request for this key, PEM. The names in it are the issuer's to choose. */
  createCsr(): Promise<string>;
  /**
   * What a TLS client needs to prove to be this device.
   *
   * @param certificate PEM chain: leaf, then the organisation's CA
   * @param ca PEM of the only root that servers are verified against
   */
  tlsIdentity(certificate: string, ca: string): SecureContextOptions;
}
