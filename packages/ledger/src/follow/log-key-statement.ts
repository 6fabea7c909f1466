import { RaypherError } from '@raypher/shared/errors';
import { z } from 'zod';
import { parseVerifierKey, type VerifierKey } from '../note/verifier-key.ts';

/** Keeps the signature over a statement from meaning anything elsewhere. */
export const LOG_KEY_CONTEXT = 'raypher.v1.LogKey';

/** What an organisation's policy key signs, in RFC 8785 form, so that who knows that key can believe the log's. */
const LogKeyStatement = z.object({
  context: z.literal(LOG_KEY_CONTEXT),
  organisation: z.uuid(),
  origin: z.string(),
  vkey: z.string(),
});

export interface StatedLogKey {
  readonly organisation: string;
  /** Names the log, and its key. */
  readonly origin: string;
  /** The key as c2sp.org/signed-note writes it. */
  readonly vkey: string;
  readonly key: VerifierKey;
}

/**
 * Reads the statement about a log's key. Whether it is signed is not looked at.
 *
 * @throws RaypherError `ledger/malformed` when it is none, or its key is called otherwise than its log
 */
export function readLogKeyStatement(bytes: Uint8Array): StatedLogKey {
  const statement = LogKeyStatement.safeParse(parse(bytes));
  if (!statement.success) throw malformed('It is not a statement about the key of a log.');
  const { organisation, origin, vkey } = statement.data;
  const key = parseVerifierKey(vkey);
  if (key.name !== origin) throw malformed('Its key is not called as its log is.');
  return { organisation, origin, vkey, key };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function malformed(why: string): RaypherError {
  return new RaypherError('ledger/malformed', `The statement about the log's key cannot be read. ${why}`);
}
