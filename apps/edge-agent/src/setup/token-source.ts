import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, rmSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';

export interface TokenOptions {
  token?: string;
  tokenFile?: string;
}

/** @throws RaypherError `request/not-found`, `request/invalid`; the token is never repeated */
export function readToken({ token, tokenFile }: TokenOptions): string {
  if (tokenFile !== undefined) {
    try {
      return readFileSync(tokenFile, 'utf8');
    } catch (cause) {
      throw new RaypherError('request/not-found', `The token file ${tokenFile} cannot be read.`, { cause });
    }
  }
  const text = token ?? process.env.RAYPHER_ENROLMENT_TOKEN;
  if (text !== undefined && text !== '') return text;
  throw new RaypherError('request/invalid', 'An enrolment token is needed.', {
    hint: 'Use --token-file, or the variable RAYPHER_ENROLMENT_TOKEN.',
  });
}

/** The token is spent; what is left of it should not lie around. */
export function discardToken(file: string): void {
  try {
    // Only a file of its own: /dev/stdin and the like are links that others need, and a link that somebody put there
    // meanwhile could lead anywhere.
    const opened = openSync(file, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!fstatSync(opened).isFile()) return;
      ftruncateSync(opened);
    } finally {
      closeSync(opened);
    }
    rmSync(file);
  } catch {
    // A read-only mount (a mounted secret) is fine: the token does not work again.
  }
}
