import { type KeyObject, X509Certificate } from 'node:crypto';
import type { Tpm } from '../../native/tss2.ts';
import { handlesBetween } from './capabilities.ts';
import { readNvIndex } from './nv.ts';

/** Certificates of those who signed the endorsement certificate, over as many indexes as they need (§2.2.1.5.2). */
const CHAIN_FIRST = 0x01c00100;
const CHAIN_LAST = 0x01c001ff;

/**
 * The certificate that the maker wrote into an NV index.
 *
 * @returns undefined when the index has none, or what is there is no certificate
 */
export function readCertificate(tpm: Tpm, handle: number): X509Certificate | undefined {
  const [certificate] = splitCertificates(readNvIndex(tpm, handle) ?? Buffer.alloc(0));
  return certificate;
}

/** The issuers' certificates that the maker left in the TPM; often none, because they are on the maker's site. */
export function readChain(tpm: Tpm): X509Certificate[] {
  const parts = handlesBetween(tpm, CHAIN_FIRST, CHAIN_LAST).map((handle) => readNvIndex(tpm, handle));
  return splitCertificates(Buffer.concat(parts.filter((part) => part !== undefined)));
}

/** Whether a certificate is about this very key. */
export function certifies(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.publicKey.equals(key);
  } catch {
    // A key of a kind that OpenSSL does not know is not this key, which OpenSSL knows.
    return false;
  }
}

/** Certificates in DER one after the other. What follows the last one is padding of the index. */
export function splitCertificates(bytes: Buffer): X509Certificate[] {
  const certificates: X509Certificate[] = [];
  for (let rest = bytes; ; ) {
    const length = derLength(rest);
    if (length === undefined || length > rest.length) return certificates;
    try {
      certificates.push(new X509Certificate(rest.subarray(0, length)));
    } catch {
      return certificates;
    }
    rest = rest.subarray(length);
  }
}

/** Bytes of the DER sequence with a length of two bytes, as every certificate is, that starts here. */
function derLength(bytes: Buffer): number | undefined {
  return bytes.length > 4 && bytes[0] === 0x30 && bytes[1] === 0x82 ? 4 + bytes.readUInt16BE(2) : undefined;
}
