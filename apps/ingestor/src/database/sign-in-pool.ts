import type pg from 'pg';
import { ANSWER_TIMEOUT_MS } from './patience.ts';
import { ProvenPool } from './proven-pool.ts';

/** What the sign-in library is given; the rest of the program only passes it on. */
export type SignInPool = pg.Pool;

/** Connections for the sign-in library: role raypher_auth, which sees schema auth and nothing else. */
export function createSignInPool(connectionString: string): SignInPool {
  const pool = new ProvenPool({
    connectionString,
    max: 5,
    application_name: 'raypher-sign-in',
    // Its queries name tables without a schema.
    options: '-c search_path=auth',
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
    query_timeout: ANSWER_TIMEOUT_MS,
    idle_in_transaction_session_timeout: 30_000,
  });
  // An idle connection that dies (database restart) is replaced by the pool; without a listener it would end us.
  pool.on('error', () => undefined);
  return pool;
}
