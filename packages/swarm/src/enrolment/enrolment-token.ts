import { RaypherError } from '@raypher/shared';

export interface EnrolmentToken {
  /** The whole string, as it is sent. A secret. */
  text: string;
  /** SHA-256 of the root CA's SubjectPublicKeyInfo. */
  pin: Buffer;
}

const TOKEN = /^rpt1\.[0-9a-f]{32}\.[A-Za-z0-9_-]{43}\.(?<pin>[A-Za-z0-9_-]{43})$/;

/** @throws RaypherError `request/invalid`; the text is never repeated in the message */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const pin = TOKEN.exec(text.trim())?.groups?.pin;
  if (pin === undefined) {
    throw new RaypherError('request/invalid', 'This is not an enrolment token.', {
      hint: 'Create one under Fleet → Add devices that may be used as often as there are devices.',
    });
  }
  return { text: text.trim(), pin: Buffer.from(pin, 'base64url') };
}
