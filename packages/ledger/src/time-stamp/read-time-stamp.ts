import { sha256 } from '@noble/hashes/sha2.js';
import { RaypherError } from '@raypher/shared/errors';
import {
  Certificate,
  ContentInfo,
  ExtKeyUsage,
  id_ExtKeyUsage,
  id_eContentType_TSTInfo,
  SignedData,
  TSTInfo,
} from 'pkijs';
import type { TimeStamping } from '../export/time-stamp-record.ts';
import { equalBytes } from '../merkle/equal-bytes.ts';

/** RFC 3161 §2.3: what the certificate of an authority is for. */
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const SHA256 = '2.16.840.1.101.3.4.2.1';

/** A token whose signature was not looked at. */
export interface ReadTimeStamp {
  /** When the authority says that it saw the data. */
  readonly at: Date;
  readonly nonce: Uint8Array | undefined;
  /** Whether it is over these bytes. */
  isOver(data: Uint8Array): boolean;
  /** Whether, over these bytes, it is signed with a certificate for time stamping that leads to one of the roots. */
  isSignedBelow(roots: readonly Certificate[], data: Uint8Array): Promise<boolean>;
}

/**
 * Reads a token of a time stamping authority (RFC 3161), DER.
 *
 * @throws RaypherError `ledger/malformed`
 */
export function readTimeStamp(token: Uint8Array): ReadTimeStamp {
  const { signed, info } = parse(token);
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  return {
    at: info.genTime,
    nonce: info.nonce === undefined ? undefined : new Uint8Array(info.nonce.valueBlock.valueHexView),
    isOver: (data) =>
      hashAlgorithm.algorithmId === SHA256 &&
      equalBytes(new Uint8Array(hashedMessage.valueBlock.valueHexView), sha256(data)),
    isSignedBelow: async (roots, data) => {
      try {
        const result = await signed.verify({
          signer: 0,
          data: bufferOf(data),
          trustedCerts: [...roots],
          checkChain: true,
          extendedMode: true,
        });
        return (
          result.signatureVerified === true &&
          result.signerCertificateVerified === true &&
          isForTimeStamping(result.signerCertificate)
        );
      } catch {
        // So it says that a signature, or a chain of certificates, does not hold.
        return false;
      }
    },
  };
}

/**
 * Trusts the authorities whose certificates lead to one of the roots.
 *
 * @param roots PEM, one certificate each
 * @throws RaypherError `ledger/malformed` for one that is none
 */
export function trustTimeStamps(roots: readonly string[]): TimeStamping {
  const certificates = roots.map(readCertificate);
  return {
    verify: async (token, data) => {
      const stamp = readTimeStamp(token);
      if (!stamp.isOver(data)) {
        throw new RaypherError('ledger/signature-invalid', 'The time stamp is over something else.');
      }
      return (await stamp.isSignedBelow(certificates, data)) ? stamp.at : undefined;
    },
  };
}

function parse(token: Uint8Array): { signed: SignedData; info: TSTInfo } {
  try {
    const content = ContentInfo.fromBER(bufferOf(token));
    if (content.contentType !== ContentInfo.SIGNED_DATA) throw malformed('It is not signed.');
    const signed = new SignedData({ schema: content.content });
    const { eContentType, eContent } = signed.encapContentInfo;
    if (eContentType !== id_eContentType_TSTInfo || eContent === undefined)
      throw malformed('There is no time in it.');
    if (signed.signerInfos.length !== 1) throw malformed('It has more than one signature.');
    return { signed, info: TSTInfo.fromBER(eContent.getValue()) };
  } catch (error) {
    throw error instanceof RaypherError ? error : malformed('It is no DER of a token.');
  }
}

function isForTimeStamping(certificate: Certificate | null | undefined): boolean {
  const usage = certificate?.extensions?.find(({ extnID }) => extnID === id_ExtKeyUsage);
  // RFC 3161 §2.3: only this one, and critical.
  return (
    usage?.critical === true &&
    usage.parsedValue instanceof ExtKeyUsage &&
    usage.parsedValue.keyPurposes.length === 1 &&
    usage.parsedValue.keyPurposes[0] === TIME_STAMPING
  );
}

function readCertificate(pem: string): Certificate {
  try {
    const base64 = pem.replace(/-----[^-]+-----|\s/g, '');
    return Certificate.fromBER(bufferOf(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))));
  } catch {
    throw malformed('A root is not one certificate in PEM.');
  }
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function malformed(why: string): RaypherError {
  return new RaypherError('ledger/malformed', `This time stamp cannot be read. ${why}`);
}
