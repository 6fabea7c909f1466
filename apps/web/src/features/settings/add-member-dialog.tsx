'use client';

import type { Role, Team } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Command } from '@/components/copy.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { RoleTeamFields } from './role-team-fields.tsx';

export function AddMemberDialog({ teams, onClose }: { teams: Team[]; onClose: () => void }) {
  const client = useQueryClient();
  const [role, setRole] = useState<Role>('developer');
  const [teamId, setTeamId] = useState<string | null>(null);
  const create = useMutation({
    mutationFn: api.createMember,
    onSuccess: () => client.invalidateQueries({ queryKey: keys.members }),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    create.mutate({
      name: String(form.get('name') ?? ''),
      email: String(form.get('email') ?? ''),
      role,
      teamId,
    });
  };
  const close = (open: boolean): void => {
    if (!open) onClose();
  };
  if (create.data !== undefined) {
    return (
      <Dialog
        open
        onOpenChange={close}
        title={`${create.data.member.name} can sign in`}
        description="Hand over this password on a safe way. It is shown once."
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <Command text={create.data.password} label="Copy the password" />
      </Dialog>
    );
  }
  return (
    <Dialog open onOpenChange={close} title="Add member">
      <form onSubmit={submit} className="grid gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name">
            {(control) => <Input {...control} name="name" required maxLength={200} />}
          </Field>
          <Field label="Email">
            {(control) => <Input {...control} name="email" type="email" required maxLength={200} />}
          </Field>
        </div>
        <RoleTeamFields role={role} teamId={teamId} teams={teams} onRole={setRole} onTeam={setTeamId} />
        <InlineError error={create.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={create.isPending}>
            Add member
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
