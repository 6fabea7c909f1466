import { Logger } from '@nestjs/common';
import { BASE_ERROR_CODES, type BetterAuthOptions, betterAuth } from 'better-auth';
import { APIError, createAuthMiddleware } from 'better-auth/api';
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
  /** After a session ended, whatever ended it. */
  onEnded: (session: { id: string; userId: string }) => void;
  /** After a person ended sessions, the own one or others, in one request. */
  onSignedOut: (end: { userId: string; address: string; sessions: number; reason: string }) => Promise<void>;
}

/** Attempts per address and minute. */
export const SIGN_IN_ATTEMPTS = 10;

/** Requests with which people end sessions, and what the audit says why. */
const ENDS_SESSIONS: Record<string, string> = {
  '/sign-out': 'Signed out.',
  '/revoke-session': 'One session was ended.',
  '/revoke-sessions': 'All sessions were ended.',
  '/revoke-other-sessions': 'All other sessions were ended.',
  '/change-password': 'The password was changed.',
};

/** Longer than a sign-in takes, whatever the clocks of several processes say, milliseconds. */
const SIGN_IN_TAKES_MS = 10 * 60_000;

/** Sessions of one person that are ended, and their sockets closed, by one request. The library's default is 100. */
const MOST_SESSIONS = 10_000;

/**
 * The configured sign-in library. People sign in with e-mail address and password; nobody signs up:
 * accounts are made by administrators. Sessions are rows, so ending one takes effect at once.
 */
export function createSignIn(options: SignInOptions) {
  const logger = new Logger('SignIn');
  /** Sessions that a request has ended, by the context that the library makes for each. */
  const endedBy = new WeakMap<object, { userId: string; sessions: number }>();
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
      database: { defaultFindManyLimit: MOST_SESSIONS },
    },
    hooks: {
      before: createAuthMiddleware(async (context) => {
        if (context.path !== '/change-password') return undefined;
        // Whoever knew the old password, or has a copy of this very cookie, is out: the person gets a new session.
        return { context: { body: { ...context.body, revokeOtherSessions: true } } };
      }),
      after: createAuthMiddleware(async (context) => {
        const ended = endedBy.get(context.context);
        const reason = ENDS_SESSIONS[context.path];
        if (ended === undefined || reason === undefined) return;
        await options.onSignedOut({ ...ended, address: addressIn(context), reason });
      }),
    },
    databaseHooks: {
      account: {
        update: {
          after: async (account, context) => {
            if (context?.path !== '/change-password') return;
            await options.onPasswordChanged({ userId: account.userId, address: addressIn(context) });
          },
        },
      },
      session: {
        create: {
          after: async (session, context) => {
            // The same person goes on.
            if (context?.path === '/change-password') return;
            if (context?.path === '/sign-in/email') await requireSamePassword(session, context);
            await options.onSignedIn({
              id: session.id,
              userId: session.userId,
              address: session.ipAddress ?? '',
            });
          },
        },
        delete: {
          after: async ({ id, userId }, context) => {
            options.onEnded({ id, userId });
            const request = context?.context;
            // Ended by an administrator, or at the machine: whoever did it says so.
            if (request === undefined) return;
            const sessions = (endedBy.get(request)?.sessions ?? 0) + 1;
            endedBy.set(request, { userId, sessions });
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

type SessionHook = NonNullable<
  NonNullable<NonNullable<NonNullable<BetterAuthOptions['databaseHooks']>['session']>['create']>['after']
>;
type Context = NonNullable<Parameters<SessionHook>[1]>;

function addressIn({ headers }: Pick<Context, 'headers'>): string {
  return headers?.get(CLIENT_ADDRESS_HEADER) ?? '';
}

/**
 * A sign-in takes a moment between the check of the password and the session. When the password changed within it, the
 * sessions of before were ended without this one.
 */
async function requireSamePassword(
  session: { userId: string; token: string },
  context: Context,
): Promise<void> {
  const { internalAdapter, password } = context.context;
  const account = await internalAdapter.findCredentialAccount(session.userId);
  if (account !== null && account.updatedAt.getTime() < Date.now() - SIGN_IN_TAKES_MS) return;
  const hash = account?.password ?? '';
  if (hash !== '' && (await password.verify({ hash, password: context.body.password }))) return;
  await internalAdapter.deleteSession(session.token);
  throw APIError.from('UNAUTHORIZED', BASE_ERROR_CODES.INVALID_EMAIL_OR_PASSWORD);
}

export type SignIn = ReturnType<typeof createSignIn>;
