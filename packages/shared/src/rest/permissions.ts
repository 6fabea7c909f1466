import { z } from 'zod';

export const Role = z.enum(['ciso', 'admin', 'manager', 'developer', 'auditor']);
export type Role = z.infer<typeof Role>;

/**
 * What a role or an API token may do, named `object:verb`. The one table that decides it is
 * {@link ROLE_PERMISSIONS}; API tokens carry a subset of these as scopes.
 */
export const Permission = z.enum([
  'overview:read',
  'devices:read',
  'devices:manage',
  'devices:revoke',
  'enrolment-tokens:read',
  'enrolment-tokens:manage',
  'agents:read',
  'policies:read',
  'policies:deploy',
  'freezes:read',
  'freezes:manage',
  'commands:send',
  /** Stop AI agents of a device after a sealed snapshot. */
  'agents:panic',
  'events:read',
  'alerts:read',
  'alerts:resolve',
  'incidents:read',
  'incidents:manage',
  'approvals:read',
  'approvals:decide',
  'audit:read',
  /** Erase what an audit entry says about people. */
  'audit:erase',
  'ledger:read',
  /** Look at everything again. */
  'ledger:audit',
  /** Let the log begin again under another name, after a database was restored from a backup. */
  'ledger:restart',
  'members:read',
  'members:manage',
  'teams:read',
  'teams:manage',
  'api-tokens:manage',
  'secrets:push',
  'settings:read',
  'settings:manage',
  'spend:read',
  'connections:read',
  /** Masked beginnings of what is asked and answered. */
  'connections:preview',
  'connections:cut',
]);
export type Permission = z.infer<typeof Permission>;

const READ_ALL = [
  'overview:read',
  'devices:read',
  'enrolment-tokens:read',
  'agents:read',
  'policies:read',
  'freezes:read',
  'events:read',
  'alerts:read',
  'incidents:read',
  'approvals:read',
  'audit:read',
  'ledger:read',
  'members:read',
  'teams:read',
  'settings:read',
  'spend:read',
  'connections:read',
] as const satisfies Permission[];

const ADMINISTER = [
  ...READ_ALL,
  'devices:manage',
  'devices:revoke',
  'enrolment-tokens:manage',
  'policies:deploy',
  'freezes:manage',
  'commands:send',
  'agents:panic',
  'alerts:resolve',
  'incidents:manage',
  'approvals:decide',
  'members:manage',
  'teams:manage',
  'api-tokens:manage',
  'secrets:push',
  'settings:manage',
  'connections:preview',
  'connections:cut',
  'ledger:audit',
] as const satisfies Permission[];

export const ROLE_PERMISSIONS: Record<Role, readonly Permission[]> = {
  ciso: [...ADMINISTER, 'audit:erase', 'ledger:restart'],
  admin: ADMINISTER,
  manager: [
    'overview:read',
    'devices:read',
    'agents:read',
    'policies:read',
    'freezes:read',
    'freezes:manage',
    'events:read',
    'alerts:read',
    'alerts:resolve',
    'incidents:read',
    'incidents:manage',
    'approvals:read',
    'approvals:decide',
    'members:read',
    'teams:read',
    'spend:read',
    // Of the devices of their own team.
    'connections:read',
    'connections:preview',
    'connections:cut',
  ],
  developer: [
    'overview:read',
    'devices:read',
    'agents:read',
    'policies:read',
    'freezes:read',
    'events:read',
    'teams:read',
  ],
  auditor: [...READ_ALL, 'ledger:audit'],
};

export function roleMay(role: Role, permission: Permission): boolean {
  return ROLE_PERMISSIONS[role].includes(permission);
}
