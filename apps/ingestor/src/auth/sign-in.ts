import { Logger } from '@nestjs/common';
import { betterAuth } from 'better-auth';
import type { SignInPool } from '../database/sign-in-pool.ts';

/** The header that carries the client's address to the sign-in library; set by us, never taken from outside. */
export const CLIENT_ADDRESS_HEADER = 'x-raypher-client-address';

/** Where the sign-in library is mounted. */
export const SIGN_IN_PATH = '/api/auth';

export interface SignInOptions {
  /** As raypher_auth, search_path auth. */
  pool: SignInPool;
  secret: string;
  /** Where browsers reach the console; https makes cookies secure. */
  webOrigin: string;
  /** After a session began. */
  onSignedIn: (session: { id: string; userId: string; address: string }) => Promise<void>;
  /** After a person changed the own password. */
  onPasswordChanged: (change: { userId: string; address: string }) => Promise<void>;
  /** After a session ended: signed out or revoked. */
  onSignedOut: (session: { id: string; userId: string }) => Promise<void>;
}

/** Attempts per address and minute. */
export const SIGN_IN_ATTEMPTS = 10;

/**
 * The configured sign-in library. People sign in with e-mail address and password; nobody signs up:
 * accounts are made by administrators. Sessions are rows, so ending one takes effect at once.
 */
export function createSignIn(options: SignInOptions) {
  const logger = new Logger('SignIn');
  return betterAuth({
    appName: 'Raypher',
    baseURL: options.webOrigin,
    basePath: SIGN_IN_PATH,
    secret: options.secret,
    database: options.pool,
    trustedOrigins: [options.webOrigin],
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 12, maxPasswordLength: 256 },
    session: { expiresIn: 12 * 60 * 60, updateAge: 60 * 60, cookieCache: { enabled: false } },
    rateLimit: {
      enabled: true,
      storage: 'database',
      window: 60,
      max: 300,
      customRules: {
        '/sign-in/email': { window: 60, max: SIGN_IN_ATTEMPTS },
        '/change-password': { window: 60, max: SIGN_IN_ATTEMPTS },
        // Every page asks for it; the session itself is the limit.
        '/get-session': false,
      },
    },
    advanced: {
      cookiePrefix: 'raypher',
      useSecureCookies: options.webOrigin.startsWith('https:'),
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax' },
      ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS_HEADER] },
    },
    databaseHooks: {
      account: {
        update: {
          after: async (account, context) => {
            if (context?.path !== '/change-password') return;
            const address = context.headers?.get(CLIENT_ADDRESS_HEADER) ?? '';
            await options.onPasswordChanged({ userId: account.userId, address });
          },
        },
      },
      session: {
        create: {
          after: async (session) => {
            await options.onSignedIn({
              id: session.id,
              userId: session.userId,
              address: session.ipAddress ?? '',
            });
          },
        },
        delete: {
          after: async (session) => {
            await options.onSignedOut({ id: session.id, userId: session.userId });
          },
        },
      },
    },
    telemetry: { enabled: false },
    logger: {
      level: 'warn',
      log: (level, message) => (level === 'error' ? logger.error(message) : logger.warn(message)),
    },
  });
}

export type SignIn = ReturnType<typeof createSignIn>;
