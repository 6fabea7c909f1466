'use client';

import { Role, type Team } from '@raypher/shared/rest';
import { Field } from '@/components/ui/field.tsx';
import { Select } from '@/components/ui/input.tsx';
import { ROLES } from './roles.ts';

interface RoleTeamFieldsProps {
  role: Role;
  teamId: string | null;
  teams: Team[];
  onRole: (role: Role) => void;
  onTeam: (teamId: string | null) => void;
}

export function RoleTeamFields({ role, teamId, teams, onRole, onTeam }: RoleTeamFieldsProps) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Role" hint={ROLES[role].meaning}>
        {(control) => (
          <Select {...control} value={role} onChange={(event) => onRole(Role.parse(event.target.value))}>
            {Role.options.map((option) => (
              <option key={option} value={option}>
                {ROLES[option].label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Team" hint={role === 'manager' ? 'A manager may freeze this team only.' : undefined}>
        {(control) => (
          <Select {...control} value={teamId ?? ''} onChange={(event) => onTeam(event.target.value || null)}>
            <option value="">No team</option>
            {teams.map((team) => (
              <option key={team.id} value={team.id}>
                {team.name}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </div>
  );
}
