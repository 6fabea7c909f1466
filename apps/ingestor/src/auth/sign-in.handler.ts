import { RaypherError } from '@raypher/shared';
import { toNodeHandler } from 'better-auth/node';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { changesSomething, isSameOrigin } from './same-origin.ts';
import { CLIENT_ADDRESS_HEADER, SIGN_IN_PATH, type SignIn } from './sign-in.ts';

/**
 * The paths of the sign-in library that exist here. Everything else it offers (signing up, changing the
 * address, deleting oneself, social providers) is answered as if it did not.
 */
const OFFERED = new Set([
  '/ok',
  '/sign-in/email',
  '/sign-out',
  '/get-session',
  '/list-sessions',
  '/revoke-session',
  '/revoke-sessions',
  '/revoke-other-sessions',
  '/change-password',
]);

/** Of a name, a password and a few choices. The library reads whatever comes. */
const MAX_BODY_BYTES = 16 * 1024;

/** Express handler for everything below {@link SIGN_IN_PATH}; must come before any body parser. */
export function signInHandler(signIn: SignIn, webOrigin: string): RequestHandler {
  const handle = toNodeHandler(signIn);
  return (request: Request, response: Response, next: NextFunction) => {
    const path = request.originalUrl.split('?', 1)[0]?.slice(SIGN_IN_PATH.length) ?? '';
    if (!OFFERED.has(path)) {
      next(new RaypherError('request/not-found', 'There is nothing at this address.'));
      return;
    }
    // The library checks origins too, but not for clients without a cookie, and by rules of its own.
    if (changesSomething(request.method) && !isSameOrigin(request.headers, webOrigin)) {
      next(new RaypherError('auth/forbidden', 'This request does not come from the console.'));
      return;
    }
    if (isTooLarge(request)) {
      response.setHeader('connection', 'close');
      next(new RaypherError('request/too-large', `At most ${MAX_BODY_BYTES} bytes are read here.`));
      return;
    }
    // The library must not believe an address that the client wrote itself.
    request.headers[CLIENT_ADDRESS_HEADER] = request.ip ?? '';
    handle(request, response).catch(next);
  };
}

/** Or does not say how large it is, as no browser does. */
function isTooLarge({ headers }: Request): boolean {
  return (
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES
  );
}
