import type { Principal } from '../auth/principal.ts';

/** Whose connections somebody may see and end: undefined, of all devices; a team's; null, of none. */
export type Reach = string | null | undefined;

/** A manager answers for the devices of one team. */
export function reachOf({ role, teamId }: Pick<Principal, 'role' | 'teamId'>): Reach {
  return role === 'manager' ? teamId : undefined;
}
