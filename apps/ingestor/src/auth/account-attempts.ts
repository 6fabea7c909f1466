import { createHash, randomUUID } from 'node:crypto';
import type { SignInPool } from '../database/sign-in-pool.ts';

/** Attempts to sign in to one account, by browsers that have not been signed in to it before, in one window. */
export const ACCOUNT_ATTEMPTS = 20;
export const WINDOW_MS = 15 * 60_000;

/**
 * Counts attempts per account, wherever they come from, in the table in which the sign-in library counts them per
 * address. Accounts that do not exist are counted like all others, so that nobody learns which do.
 */
export class AccountAttempts {
  readonly #pool: SignInPool;

  constructor(pool: SignInPool) {
    this.#pool = pool;
  }

  /**
   * Before the password is looked at: attempts at the same moment count as well.
   *
   * @param browser that has been signed in to this account: its attempts are counted apart, so that nobody is locked
   *   out by somebody else's guessing.
   * @returns how many there were in this window, this one included
   */
  async add(email: string, browser: string | undefined): Promise<number> {
    const now = Date.now();
    const { rows } = await this.#pool.query<{ count: number }>(
      `INSERT INTO "rateLimit" AS counted (id, key, count, "lastRequest") VALUES ($1, $2, 1, $3)
       ON CONFLICT (key) DO UPDATE SET
         count = CASE WHEN counted."lastRequest" < $4 THEN 1 ELSE least(counted.count + 1, 1000000) END,
         "lastRequest" = CASE WHEN counted."lastRequest" < $4 THEN $3 ELSE counted."lastRequest" END
       RETURNING count`,
      [randomUUID(), keyOf(email, browser), now, now - WINDOW_MS],
    );
    const count = rows[0]?.count ?? Number.POSITIVE_INFINITY;
    if (count === 1) await this.#forgetOld(now - WINDOW_MS);
    return count;
  }

  /** After the right password. */
  async forget(email: string, browser: string | undefined): Promise<void> {
    await this.#pool.query('DELETE FROM "rateLimit" WHERE key = $1', [keyOf(email, browser)]);
  }

  /** A few at a time: whoever guesses at many accounts pays for the room. */
  async #forgetOld(before: number): Promise<void> {
    await this.#pool.query(
      `DELETE FROM "rateLimit" WHERE id IN (
         SELECT id FROM "rateLimit" WHERE key LIKE 'account:%' AND "lastRequest" < $1 LIMIT 10 FOR UPDATE SKIP LOCKED)`,
      [before],
    );
  }
}

/** What stands for an account in keys and cookies. */
export function accountMark(email: string): string {
  return createHash('sha256').update(email.toLowerCase()).digest('base64url');
}

function keyOf(email: string, browser: string | undefined): string {
  return ['account', accountMark(email), ...(browser === undefined ? [] : [browser])].join(':');
}
