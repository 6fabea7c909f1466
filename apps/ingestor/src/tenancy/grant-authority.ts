import { RaypherError } from '@raypher/shared';
import { type Permission, ROLE_PERMISSIONS, type Role } from '@raypher/shared/rest';
import type { Principal } from '../auth/principal.ts';

/**
 * Nobody gives a role that may do more than they may themselves. For people the table of roles sees to that;
 * an API token that manages members could otherwise make itself an administrator.
 *
 * @throws RaypherError `auth/forbidden`
 */
export function requireMayGive(caller: Pick<Principal, 'permissions'>, role: Role): void {
  const missing = ROLE_PERMISSIONS[role].filter((permission) => !caller.permissions.has(permission));
  if (missing.length === 0) return;
  throw new RaypherError('auth/forbidden', `You may not make somebody ${role}: you do not have all of it.`, {
    hint: 'Ask an administrator of your organisation.',
    details: { missing },
  });
}

/**
 * What the API tokens of a member may still do. A manager freezes the own team only, and a token cannot carry
 * that limit, so it may not freeze at all.
 */
export function permissionsOfTokens(role: Role): readonly Permission[] {
  const permissions = ROLE_PERMISSIONS[role];
  return role === 'manager' ? permissions.filter((one) => one !== 'freezes:manage') : permissions;
}
