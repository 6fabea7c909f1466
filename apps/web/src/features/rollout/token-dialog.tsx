'use client';

import { type CreatedEnrolmentToken, CreateEnrolmentToken } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { z } from 'zod';
import { Command } from '@/components/copy.tsx';
import { Facts } from '@/components/page-header.tsx';
import { InlineError } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select } from '@/components/ui/input.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';

const LIFETIMES = [
  { minutes: 15, label: '15 minutes' },
  { minutes: 60, label: '1 hour' },
  { minutes: 24 * 60, label: '1 day' },
  { minutes: 7 * 24 * 60, label: '7 days' },
  { minutes: 30 * 24 * 60, label: '30 days' },
];

export function TokenDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: api.createEnrolmentToken,
    onSuccess: () => client.invalidateQueries({ queryKey: keys.enrolmentTokens }),
  });
  const close = (open: boolean): void => {
    if (!open) onClose();
  };
  if (create.data !== undefined) {
    return (
      <Dialog
        open
        onOpenChange={close}
        title="Paste this on the machine"
        description="It is shown once: the control plane keeps only a hash of the token."
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <CreatedToken created={create.data} />
      </Dialog>
    );
  }
  return (
    <Dialog open onOpenChange={close} title="New enrolment token">
      <TokenForm
        onCancel={onClose}
        busy={create.isPending}
        error={create.error}
        onSubmit={(token) => create.mutate(token)}
      />
    </Dialog>
  );
}

function CreatedToken({ created }: { created: z.infer<typeof CreatedEnrolmentToken> }) {
  const { enrolmentToken, command, server } = created;
  return (
    <div className="grid gap-3">
      <Command text={command} label="Copy the enrolment command" />
      <div className="rounded-lg border">
        <Facts
          items={[
            { name: 'Server', value: <code className="font-mono text-xs">{server}</code> },
            {
              name: 'Works for',
              value: enrolmentToken.maxUses === 1 ? 'one device' : `${enrolmentToken.maxUses} devices`,
            },
            { name: 'Until', value: <Time at={enrolmentToken.expiresAt} as="full" /> },
            { name: 'Team', value: enrolmentToken.team?.name ?? 'none' },
          ]}
        />
      </div>
      <p className="text-ink-2">
        The token carries the fingerprint of this installation, so the machine cannot be led to another
        server.
      </p>
    </div>
  );
}

interface TokenFormProps {
  busy: boolean;
  error: unknown;
  onCancel: () => void;
  onSubmit: (token: CreateEnrolmentToken) => void;
}

function TokenForm({ busy, error, onCancel, onSubmit }: TokenFormProps) {
  const me = useMe();
  const teams = useQuery({
    queryKey: keys.teams,
    queryFn: api.teams,
    enabled: me.permissions.includes('teams:read'),
  });
  const [problem, setProblem] = useState<Error | null>(null);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const parsed = CreateEnrolmentToken.safeParse({
      name: form.get('name'),
      teamId: form.get('team') || null,
      maxUses: Number(form.get('uses')),
      expiresInMinutes: Number(form.get('lifetime')),
    });
    if (parsed.success) onSubmit(parsed.data);
    else
      setProblem(
        new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')),
      );
  };
  return (
    <form onSubmit={submit} className="grid gap-4">
      <Field label="Name" hint="For you: where it is used.">
        {(control) => (
          <Input {...control} name="name" required maxLength={200} placeholder="Laptops of the design team" />
        )}
      </Field>
      <div className="grid gap-4 sm:grid-cols-3">
        <Field label="Team">
          {(control) => (
            <Select {...control} name="team">
              <option value="">No team</option>
              {teams.data?.items.map((team) => (
                <option key={team.id} value={team.id}>
                  {team.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Devices" hint="How often it works.">
          {(control) => (
            <Input {...control} name="uses" type="number" min={1} max={100_000} defaultValue={1} required />
          )}
        </Field>
        <Field label="Works for">
          {(control) => (
            <Select {...control} name="lifetime" defaultValue="60">
              {LIFETIMES.map(({ minutes, label }) => (
                <option key={minutes} value={minutes}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      <InlineError error={problem ?? error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={busy}>
          Create token
        </Button>
      </div>
    </form>
  );
}
