import type { Permission } from '@raypher/shared/rest';
import type { Principal } from '../auth/principal.ts';
import type { ChangedObject } from './live-changes.ts';

/** Sockets of an organisation that may see what this permission shows. */
export function roomOf(organisationId: string, permission: Permission): string {
  return `organisation:${organisationId}:${permission}`;
}

export function sessionRoom(sessionId: string): string {
  return `session:${sessionId}`;
}

export function userRoom(userId: string): string {
  return `user:${userId}`;
}

/** All sockets of a person, or of an API token. */
export function personRoom({ kind, id }: Pick<Principal, 'kind' | 'id'>): string {
  return kind === 'user' ? userRoom(id) : sessionRoom(id);
}

/** Who may know that a list is out of date: those who may read it. */
export const READS = {
  policies: 'policies:read',
  freezes: 'freezes:read',
  devices: 'devices:read',
  'enrolment-tokens': 'enrolment-tokens:read',
  members: 'members:read',
  teams: 'teams:read',
  audit: 'audit:read',
  approvals: 'approvals:read',
  commands: 'devices:read',
  incidents: 'incidents:read',
  settings: 'settings:read',
  spend: 'spend:read',
} as const satisfies Record<ChangedObject, Permission>;
