import { Logger } from '@nestjs/common';
import { BASE_ERROR_CODES, type BetterAuthOptions, betterAuth } from 'better-auth';
import { APIError, createAuthMiddleware, isAPIError } from 'better-auth/api';
import type { SignInPool } from '../database/sign-in-pool.ts';
import { ACCOUNT_ATTEMPTS, AccountAttempts, WINDOW_MS } from './account-attempts.ts';
import { KnownBrowsers } from './known-browsers.ts';

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
  /** After somebody did not get in; the last one of a window is that after which nobody else is let try. */
  onRefused: (attempt: { userId: string; address: string; isLast: boolean }) => Promise<void>;
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
  const attempts = new AccountAttempts(options.pool);
  const browsers = new KnownBrowsers(options.secret, {
    path: SIGN_IN_PATH,
    secure: options.webOrigin.startsWith('https:'),
  });
  /** Nobody waits for it: how long an answer takes must not say whether there is such an account. */
  const tellRefused = async (context: HookContext, email: string, isLast: boolean) => {
    try {
      const found = await context.context.internalAdapter.findUserByEmail(email);
      if (found === null) return;
      await options.onRefused({ userId: found.user.id, address: addressIn(context), isLast });
    } catch (error) {
      logger.error(`An attempt to sign in could not be told: ${String(error)}`);
    }
  };
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
        if (context.path === '/sign-in/email') {
          const email = emailIn(context);
          const count = await attempts.add(email, await browsers.find(context, email));
          if (count === ACCOUNT_ATTEMPTS + 1) void tellRefused(context, email, true);
          if (count > ACCOUNT_ATTEMPTS) throw tooManyAttempts();
        }
        if (context.path !== '/change-password') return undefined;
        // Whoever knew the old password, or has a copy of this very cookie, is out: the person gets a new session.
        return { context: { body: { ...context.body, revokeOtherSessions: true } } };
      }),
      after: createAuthMiddleware(async (context) => {
        if (context.path === '/sign-in/email') {
          const email = emailIn(context);
          if (context.context.newSession === null) void tellRefused(context, email, false);
          else {
            await attempts.forget(email, await browsers.find(context, email));
            await browsers.remember(context, email);
          }
        }
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
    onAPIError: {
      // What a client did wrong is told to the client; what matters of it is in the audit.
      onError: (error) => {
        if (isAPIError(error) && error.statusCode < 500) return;
        logger.error(error);
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

type HookContext = Parameters<Parameters<typeof createAuthMiddleware>[0]>[0];

function emailIn({ body }: HookContext): string {
  const email: unknown = body?.email;
  return typeof email === 'string' ? email.toLowerCase() : '';
}

function tooManyAttempts(): APIError {
  const minutes = WINDOW_MS / 60_000;
  return new APIError(
    'TOO_MANY_REQUESTS',
    { message: `Too many attempts for this account. Try again in ${minutes} minutes.` },
    { 'retry-after': String(WINDOW_MS / 1000) },
  );
}

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
