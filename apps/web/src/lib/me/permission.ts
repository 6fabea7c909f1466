import type { Me, Permission } from '@raypher/shared/rest';

const ACTIONS: Partial<Record<Permission, string>> = {
  'policies:deploy': 'deploy policies',
  'freezes:manage': 'freeze or thaw AI agents',
  'devices:manage': 'change devices',
  'devices:revoke': 'revoke devices',
  'commands:send': 'send commands to devices',
  'agents:panic': 'stop AI agents by panic',
  'connections:cut': 'end live connections',
  'enrolment-tokens:manage': 'create or revoke enrolment tokens',
  'secrets:push': 'push keys to devices',
  'settings:manage': 'change settings',
  'alerts:resolve': 'resolve alerts',
  'approvals:decide': 'answer questions of AI agents',
  'members:manage': 'manage members',
  'teams:manage': 'manage teams',
  'api-tokens:manage': 'manage API tokens',
};

/**
 * Why this person may not do something; undefined when they may. The server decides again on every
 * request: this is for not offering what would be refused.
 */
export function whyNot(me: Pick<Me, 'permissions' | 'role'>, permission: Permission): string | undefined {
  if (me.permissions.includes(permission)) return undefined;
  const role = me.role === null ? 'This token' : `The role ${me.role}`;
  return `${role} may not ${ACTIONS[permission] ?? `use ${permission}`}. Ask a CISO or an administrator.`;
}
