import { randomBytes } from 'node:crypto';
import { readTimeStamp, trustTimeStamps } from '@raypher/ledger/time-stamp';
import { Integer } from 'asn1js';
import { MessageImprint, PKIStatus, TimeStampReq, TimeStampResp } from 'pkijs';
import { boundedBytes } from './bounded-body.ts';

/** How long an authority may take, milliseconds. */
const TIMEOUT_MS = 15_000;
/** A token with a chain of certificates has a few thousand. */
const MAX_ANSWER_BYTES = 64 * 1024;
const NONCE_BYTES = 16;

export interface TimeStampAuthority {
  url: string;
  /** Certificates that its own must lead to, PEM. */
  roots: readonly string[];
}

export interface TimeStamp {
  /** DER of the token. */
  token: Buffer;
  /** When the authority says that it saw the data. */
  at: Date;
}

/**
 * Has an authority say that it saw these bytes (RFC 3161), and verifies what it says.
 *
 * @throws Error when it cannot be reached, refuses, or its token does not hold
 */
export async function requestTimeStamp(authority: TimeStampAuthority, data: Uint8Array): Promise<TimeStamp> {
  const nonce = randomBytes(NONCE_BYTES);
  // Positive, and of the same length each time.
  nonce[0] = ((nonce[0] ?? 0) & 0x3f) | 0x40;
  const request = new TimeStampReq({
    version: 1,
    messageImprint: await MessageImprint.create('SHA-256', bufferOf(data)),
    nonce: new Integer({ valueHex: bufferOf(nonce) }),
    certReq: true,
  });
  const answer = await fetch(authority.url, {
    method: 'POST',
    headers: { 'content-type': 'application/timestamp-query' },
    body: request.toSchema().toBER(false),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = await boundedBytes(answer, MAX_ANSWER_BYTES);
  if (answer.status !== 200) throw new Error(`the authority answers ${answer.status}`);
  const { status, timeStampToken } = TimeStampResp.fromBER(bufferOf(body));
  if (status.status !== PKIStatus.granted && status.status !== PKIStatus.grantedWithMods) {
    throw new Error(`the authority refuses (status ${status.status})`);
  }
  if (timeStampToken === undefined) throw new Error('the authority gave no token');
  const token = Buffer.from(timeStampToken.toSchema().toBER(false));
  const { at, nonce: told } = await verifyTimeStamp(token, data, authority.roots);
  if (told === undefined || !nonce.equals(told)) throw new Error('the token answers another request');
  return { token, at };
}

/**
 * Verifies a token: it is over these bytes, and signed by an authority whose certificate is for time stamping and leads
 * to one of the roots.
 *
 * @param roots PEM
 * @throws Error saying what does not hold
 */
export async function verifyTimeStamp(
  token: Uint8Array,
  data: Uint8Array,
  roots: readonly string[],
): Promise<{ at: Date; nonce: Uint8Array | undefined }> {
  const at = await trustTimeStamps(roots).verify(token, data);
  if (at === undefined) throw new Error('the token is signed by nobody who is trusted');
  return { at, nonce: readTimeStamp(token).nonce };
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
