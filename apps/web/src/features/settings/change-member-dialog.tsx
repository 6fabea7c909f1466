'use client';

import type { Member, Team } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
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
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const update = useMutation({
    mutationFn: () =>
      api.updateMember(member.userId, {
        ...(role === member.role ? {} : { role }),
        ...(teamId === member.teamId ? {} : { teamId }),
        ...(disabled === (member.disabledAt !== null) ? {} : { disabled }),
        reason: answers.reason,
      }),
    onSuccess: () => {
      toast.done(`${member.name} is changed`);
      void client.invalidateQueries({ queryKey: keys.members });
      onClose();
    },
  });
  const same = role === member.role && teamId === member.teamId && disabled === (member.disabledAt !== null);
  const missing = same ? 'Nothing is changed yet.' : missingAnswer(answers, undefined);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Change ${member.name}`}
      description={member.email}
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || update.isPending}
            onClick={() => update.mutate()}
          >
            Save
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
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
        <WideFields answers={answers} onChange={setAnswers} reasonPlaceholder="Moved to the platform team" />
        <InlineError error={update.error} />
      </div>
    </Dialog>
  );
}
