import type { SecureContextOptions } from 'node:tls';
import type { Attestation, Credential } from '@raypher/shared/attestation';
import type { PcrValues, TpmEvidence } from '@raypher/shared/rest';

/** Proves to the control plane what the TPM is and in which state this machine is. Calls block until the TPM answers. */
export interface Attester {
  evidence(): TpmEvidence;
  /** Opens a challenge's credential. @throws RaypherError `tpm/cleared` when it was made for another TPM or key */
  activate(credential: Credential): Buffer;
  /** The device key, certified by the attestation key. @param nonce at most 32 bytes */
  certify(nonce: Buffer): Attestation;
  /** @param pcrs of the SHA-256 bank */
  quote(nonce: Buffer, pcrs: readonly number[]): { quote: Attestation; pcrs: PcrValues };
}

/** Keeps the vault's root key so that only this machine opens it. */
export interface Sealer {
  /** `tpm`: worthless on any other machine. `file`: whoever copies the data folder can open it. */
  readonly bound: 'tpm' | 'file';
  /**
   * @param secret at most 64 bytes
   * @param pcrs of the SHA-256 bank that must have today's values at unsealing; empty: any state of this machine
   * @returns what {@link unseal} takes; opaque
   */
  seal(secret: Buffer, pcrs: readonly number[]): Buffer;
  /**
   * @throws RaypherError `vault/sealed-elsewhere` on another machine or after the TPM was cleared, `tpm/policy` when
   * PCRs have changed (`details.changed` lists them), `vault/damaged`
   */
  unseal(blob: Buffer): Buffer;
}

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
  /** Undefined for a key in a file, which proves nothing about the machine. */
  readonly attester: Attester | undefined;
  readonly sealer: Sealer;
  /** Gives up what it uses in the TPM. */
  close(): void;
}
