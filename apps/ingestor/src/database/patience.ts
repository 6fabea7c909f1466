/** Postgres itself ends a statement that takes longer. Milliseconds. */
export const STATEMENT_TIMEOUT_MS = 20_000;

/**
 * When not even that answer has come, nobody is there any more: a machine that is gone, or a firewall that forgot the
 * connection, says nothing, and TCP would go on trying for a quarter of an hour. Milliseconds.
 */
export const ANSWER_TIMEOUT_MS = 25_000;

/** For giving a transaction up: who does not answer this soon after a failure is given up too. Milliseconds. */
export const ROLLBACK_TIMEOUT_MS = 2_000;
