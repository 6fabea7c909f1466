import type { Role } from '@raypher/shared/rest';

export const ROLES: Record<Role, { label: string; meaning: string }> = {
  ciso: { label: 'CISO', meaning: 'Everything, including members and freezes' },
  admin: { label: 'Administrator', meaning: 'Deploys, freezes, manages devices and members' },
  manager: { label: 'Manager', meaning: 'Reads, and freezes the AI agents of the own team' },
  developer: { label: 'Developer', meaning: 'Reads policies, events and devices' },
  auditor: { label: 'Auditor', meaning: 'Reads everything, changes nothing' },
};
