'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { CommandOutcome } from './command-outcome.tsx';
import { nameProblem } from './secret-draft.ts';

/** Takes a key away from a device, by its name: the control plane keeps no list of what a device holds. */
export function RevokeSecretDialog({ device, onClose }: { device: DeviceDetail; onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const revoke = useMutation({
    mutationFn: () => api.revokeSecret(device.id, { name, reason: answers.reason }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.commands(device.id) }),
  });
  const missing = name === '' ? 'Say which key.' : (nameProblem(name) ?? missingAnswer(answers, undefined));
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Revoke a key on ${device.label ?? device.hostname}`}
      description="The device deletes the sealed key; programs that used it are refused from then on. Revoke it at the provider too when it may be known to somebody."
      footer={
        revoke.data === undefined ? (
          <>
            {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
            <Button onClick={onClose}>Cancel</Button>
            <Button
              variant="danger"
              disabled={missing !== undefined || revoke.isPending}
              onClick={() => revoke.mutate()}
            >
              Revoke key
            </Button>
          </>
        ) : (
          <Button onClick={onClose}>Close</Button>
        )
      }
    >
      {revoke.data === undefined ? (
        <div className="grid gap-4">
          <Field label="Name" hint="As raypher vault list shows it on the device." error={nameProblem(name)}>
            {(control) => (
              <Input
                {...control}
                maxLength={64}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <WideFields
            answers={answers}
            onChange={setAnswers}
            reasonPlaceholder="The key was rotated at the provider"
          />
          <InlineError error={revoke.error} />
        </div>
      ) : (
        <CommandOutcome
          command={revoke.data}
          connected={device.connected}
          done={`${name} is no longer on the device.`}
        />
      )}
    </Dialog>
  );
}
