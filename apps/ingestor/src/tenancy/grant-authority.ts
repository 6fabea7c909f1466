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

/** What a manager may for the own team alone. */
const OF_ONE_TEAM: readonly Permission[] = [
  'freezes:manage',
  'approvals:read',
  'approvals:decide',
  'spend:read',
  'connections:read',
  'connections:preview',
  'connections:cut',
];

/** What the API tokens of a member may still do. A token cannot carry the limit to a team, so those of managers may not. */
export function permissionsOfTokens(role: Role): readonly Permission[] {
  const permissions = ROLE_PERMISSIONS[role];
  return role === 'manager' ? permissions.filter((one) => !OF_ONE_TEAM.includes(one)) : permissions;
}
