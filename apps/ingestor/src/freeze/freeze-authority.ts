import { type FreezeSelector, RaypherError } from '@raypher/shared';
import { labelOf, type Principal } from '../auth/principal.ts';

/**
 * A manager answers for one team: the only freezes a manager may order are of that team.
 *
 * @throws RaypherError `auth/forbidden`
 */
export function requireMayFreeze(caller: Principal, selector: FreezeSelector): void {
  if (caller.role !== 'manager') return;
  if (selector.kind === 'team' && caller.teamId !== null && selector.team === caller.teamId) return;
  throw new RaypherError('auth/forbidden', 'A manager may freeze only the AI agents of the own team.', {
    hint: 'Ask a CISO or an administrator for anything wider.',
  });
}

/**
 * A manager may take back only what a manager of that team ordered: the own freeze. What a CISO or an
 * administrator froze is not a manager's to thaw.
 *
 * @throws RaypherError `auth/forbidden`
 */
export function requireMayThaw(
  caller: Principal,
  freeze: { selector: FreezeSelector; createdBy: string },
): void {
  requireMayFreeze(caller, freeze.selector);
  if (caller.role !== 'manager' || freeze.createdBy === labelOf(caller)) return;
  throw new RaypherError(
    'auth/forbidden',
    `${freeze.createdBy} ordered this freeze, so it is not yours to thaw.`,
    {
      hint: 'Ask a CISO or an administrator.',
    },
  );
}
