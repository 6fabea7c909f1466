import { RaypherError } from '@raypher/shared';
import type { Principal } from '../auth/principal.ts';

/**
 * Organisation-wide actions repeat the organisation's name.
 *
 * @throws RaypherError `request/invalid` when the name is not exactly right.
 */
export function requireConfirmation(caller: Pick<Principal, 'organisation'>, confirm: string): void {
  if (confirm === caller.organisation.name) return;
  throw new RaypherError('request/invalid', 'This concerns the whole organisation and was not confirmed.', {
    hint: `Repeat the organisation's name in "confirm": ${caller.organisation.name}`,
    details: { field: 'confirm' },
  });
}
