import { RaypherError } from '@raypher/shared';
import type { Principal } from '../auth/principal.ts';

/** A manager answers for one team, and sees the questions of its devices alone. Undefined: of all. */
export function teamOf(caller: Principal): string | null | undefined {
  return caller.role === 'manager' ? caller.teamId : undefined;
}

/**
 * A person decides, not a program: an API token has no eyes, and could stand for the very AI agent that asks.
 *
 * @throws RaypherError `auth/forbidden`
 */
export function requirePerson(caller: Principal): void {
  if (caller.kind === 'user') return;
  throw new RaypherError('auth/forbidden', 'An API token cannot answer for a person.', {
    hint: 'Sign in to the console; the chat message links to the question.',
  });
}
