import { Permission, ROLE_PERMISSIONS, Role } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { whyNot } from './permission.ts';

describe('what a person may do', () => {
  const cases = Role.options.flatMap((role) =>
    Permission.options.map((permission) => ({ role, permission })),
  );

  it.each(cases)('$role and $permission: allowed exactly when the table says so', ({ role, permission }) => {
    const permissions = [...ROLE_PERMISSIONS[role]];
    const reason = whyNot({ role, permissions }, permission);
    expect(reason === undefined).toBe(permissions.includes(permission));
  });

  it('comes with a reason that names the role, the act and whom to ask', () => {
    expect(whyNot({ role: 'auditor', permissions: [] }, 'policies:deploy')).toBe(
      'The role auditor may not deploy policies. Ask a CISO or an administrator.',
    );
  });
});
