import { RaypherError } from '@raypher/shared';

export interface EnrolmentToken {
  /** The whole string, as the control plane wants it. A secret. */
  text: string;
  id: string;
  /** Base64url SHA-256 of the root CA's SubjectPublicKeyInfo. */
  pin: string;
}

const TOKEN = /^rpt1\.(?<id>[0-9a-f]{32})\.(?<secret>[A-Za-z0-9_-]{43})\.(?<pin>[A-Za-z0-9_-]{43})$/;

/**
 * Reads `rpt1.<id>.<secret>.<pin>`.
 *
 * @throws RaypherError `request/invalid`; the message never repeats the token
 */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const trimmed = text.trim();
  const groups = TOKEN.exec(trimmed)?.groups;
  if (groups === undefined) {
    throw new RaypherError('request/invalid', 'This is not an enrolment token.', {
      hint: 'A token starts with rpt1. and has four parts; copy it again from Fleet → Add devices.',
    });
  }
  const { id = '', pin = '' } = groups;
  return { text: trimmed, id, pin };
}
