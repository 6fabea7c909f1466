'use client';

import { CreateEnrolmentToken } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
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

interface TokenFormProps {
  busy: boolean;
  error: unknown;
  onCancel: () => void;
  onSubmit: (token: CreateEnrolmentToken) => void;
}

/** For whom a token is, how often it works and until when. */
export function TokenForm({ busy, error, onCancel, onSubmit }: TokenFormProps) {
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
