import { readLogKeyStatement, type VerifierKey } from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';
import type { StoredLog } from './logs.repository.ts';

/**
 * The key that the log is signed with, as its statement names it.
 *
 * @throws RaypherError `ledger/malformed` when the log has no statement yet, or it is about another log
 */
export function logKeyOf(log: Pick<StoredLog, 'origin' | 'key'>): { vkey: string; key: VerifierKey } {
  const stated = log.key === undefined ? undefined : readLogKeyStatement(log.key.statement);
  if (stated?.origin !== log.origin) {
    throw new RaypherError('ledger/malformed', 'The log has no key of its own.');
  }
  const { vkey, key } = stated;
  return { vkey, key };
}
