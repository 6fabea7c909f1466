'use client';

import type { Permission } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Command } from '@/components/copy.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select } from '@/components/ui/input.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';

const LIFETIMES = [7, 30, 90, 365];

export function ApiTokenDialog({ onClose }: { onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const [scopes, setScopes] = useState<Permission[]>([]);
  const create = useMutation({
    mutationFn: api.createApiToken,
    onSuccess: () => client.invalidateQueries({ queryKey: keys.apiTokens }),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    create.mutate({ name: String(form.get('name') ?? ''), scopes, expiresInDays: Number(form.get('days')) });
  };
  const close = (open: boolean): void => {
    if (!open) onClose();
  };
  if (create.data !== undefined) {
    return (
      <Dialog
        open
        onOpenChange={close}
        title="Copy the token now"
        description="It is shown once: the control plane keeps only a hash. Send it as Authorization: Bearer."
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <Command text={create.data.token} label="Copy the API token" />
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onOpenChange={close}
      title="New API token"
      description="Give it only what the program needs."
    >
      <form onSubmit={submit} className="grid gap-4">
        <div className="grid gap-4 sm:grid-cols-[2fr_1fr]">
          <Field label="Name">
            {(control) => (
              <Input {...control} name="name" required maxLength={200} placeholder="SIEM export" />
            )}
          </Field>
          <Field label="Expires after">
            {(control) => (
              <Select {...control} name="days" defaultValue="90">
                {LIFETIMES.map((days) => (
                  <option key={days} value={days}>
                    {days} days
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <fieldset className="grid gap-1">
          <legend className="mb-1 text-xs font-medium text-ink-2">Permissions: at most your own</legend>
          <div className="grid gap-x-4 sm:grid-cols-2">
            {me.permissions.map((permission) => (
              <label key={permission} className="flex min-h-7 items-center gap-2 font-mono text-xs">
                <input
                  type="checkbox"
                  className="size-4 accent-(--accent-solid)"
                  checked={scopes.includes(permission)}
                  onChange={(event) =>
                    setScopes(
                      event.target.checked
                        ? [...scopes, permission]
                        : scopes.filter((one) => one !== permission),
                    )
                  }
                />
                {permission}
              </label>
            ))}
          </div>
        </fieldset>
        <InlineError error={create.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={create.isPending || scopes.length === 0}>
            Create API token
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
