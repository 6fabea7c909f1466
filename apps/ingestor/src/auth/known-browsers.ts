import { randomUUID } from 'node:crypto';
import type { createAuthMiddleware } from 'better-auth/api';
import { accountMark } from './account-attempts.ts';

type Context = Pick<
  Parameters<Parameters<typeof createAuthMiddleware>[0]>[0],
  'getSignedCookie' | 'setSignedCookie'
>;

const COOKIE = 'raypher.known_browser';
const KEPT_SECONDS = 90 * 24 * 60 * 60;

/** Tells a browser in which somebody signed in to an account, for that account alone, by a signed cookie. */
export class KnownBrowsers {
  readonly #secret: string;
  readonly #scope: { path: string; secure: boolean };

  /** @param scope where browsers send the cookie */
  constructor(secret: string, scope: { path: string; secure: boolean }) {
    this.#secret = secret;
    this.#scope = scope;
  }

  /** @returns its mark; undefined for a browser that is new to the account */
  async find(context: Context, email: string): Promise<string | undefined> {
    const value = await context.getSignedCookie(COOKIE, this.#secret);
    const [account, browser] = typeof value === 'string' ? value.split('.') : [];
    return account === accountMark(email) ? browser : undefined;
  }

  /** After the right password. */
  async remember(context: Context, email: string): Promise<void> {
    const browser = (await this.find(context, email)) ?? randomUUID();
    await context.setSignedCookie(COOKIE, `${accountMark(email)}.${browser}`, this.#secret, {
      httpOnly: true,
      sameSite: 'lax',
      maxAge: KEPT_SECONDS,
      ...this.#scope,
    });
  }
}
