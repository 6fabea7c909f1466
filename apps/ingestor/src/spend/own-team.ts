import type { Principal } from '../auth/principal.ts';

const NO_TEAM = '00000000-0000-0000-0000-000000000000';

/** A manager sees what the devices of the own team spend; undefined: everything. */
export function teamOnly({ role, teamId }: Pick<Principal, 'role' | 'teamId'>): string | undefined {
  return role === 'manager' ? (teamId ?? NO_TEAM) : undefined;
}
