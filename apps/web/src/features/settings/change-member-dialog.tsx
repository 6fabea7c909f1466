'use client';

import type { Member, Team } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useToast } from '@/components/ui/toast.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { RoleTeamFields } from './role-team-fields.tsx';

interface ChangeMemberDialogProps {
  member: Member;
  teams: Team[];
  onClose: () => void;
}

export function ChangeMemberDialog({ member, teams, onClose }: ChangeMemberDialogProps) {
  const client = useQueryClient();
  const toast = useToast();
  const [role, setRole] = useState(member.role);
  const [teamId, setTeamId] = useState(member.teamId);
  const [disabled, setDisabled] = useState(member.disabledAt !== null);
  const same = role === member.role && teamId === member.teamId && disabled === (member.disabledAt !== null);
  return (
    <ReasonDialog
      title={`Change ${member.name}`}
      description={member.email}
      reasonPlaceholder="Moved to the platform team"
      missing={same ? 'Nothing is changed yet.' : undefined}
      button="Save"
      act={({ reason }) =>
        api.updateMember(member.userId, {
          ...(role === member.role ? {} : { role }),
          ...(teamId === member.teamId ? {} : { teamId }),
          ...(disabled === (member.disabledAt !== null) ? {} : { disabled }),
          reason,
        })
      }
      onDone={() => {
        toast.done(`${member.name} is changed`);
        void client.invalidateQueries({ queryKey: keys.members });
      }}
      onClose={onClose}
    >
      <RoleTeamFields role={role} teamId={teamId} teams={teams} onRole={setRole} onTeam={setTeamId} />
      <label className="flex min-h-6 items-center gap-2">
        <input
          type="checkbox"
          className="size-4 accent-(--accent-solid)"
          checked={disabled}
          onChange={(event) => setDisabled(event.target.checked)}
        />
        Disabled: cannot sign in; open sessions end
      </label>
    </ReasonDialog>
  );
}
