'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select } from '@/components/ui/input.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';

/** What people call a device, and whose policy and freezes reach it. */
export function EditDeviceDialog({ device, onClose }: { device: DeviceDetail; onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const toast = useToast();
  const teams = useQuery({
    queryKey: keys.teams,
    queryFn: api.teams,
    enabled: me.permissions.includes('teams:read'),
  });
  // A heartbeat renews the device behind the open dialog: what was typed is compared with what was there at first.
  const [before] = useState({ label: device.label ?? '', teamId: device.team?.id ?? null });
  const [label, setLabel] = useState(before.label);
  const [teamId, setTeamId] = useState(before.teamId);
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const newLabel = label.trim();
  const update = useMutation({
    mutationFn: () =>
      api.updateDevice(device.id, {
        ...(newLabel === before.label ? {} : { label: newLabel === '' ? null : newLabel }),
        ...(teamId === before.teamId ? {} : { teamId }),
        reason: answers.reason,
      }),
    onSuccess: () => {
      toast.done(`${newLabel === '' ? device.hostname : newLabel} is changed`);
      void client.invalidateQueries({ queryKey: ['devices'] });
      onClose();
    },
  });
  const same = newLabel === before.label && teamId === before.teamId;
  const missing = same ? 'Nothing is changed yet.' : missingAnswer(answers, undefined);
  // Until the list of teams is there, the device's own is the only choice.
  const choices = teams.data?.items ?? (device.team === null ? [] : [device.team]);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Edit ${device.hostname}`}
      description="What it is called here, and the team it belongs to."
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
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Label" hint={`Shown instead of ${device.hostname}.`}>
            {(control) => (
              <Input
                {...control}
                maxLength={200}
                value={label}
                onChange={(event) => setLabel(event.target.value)}
              />
            )}
          </Field>
          <Field label="Team" hint="The team's policy and freezes reach the device.">
            {(control) => (
              <Select
                {...control}
                value={teamId ?? ''}
                onChange={(event) => setTeamId(event.target.value || null)}
              >
                <option value="">No team</option>
                {choices.map((team) => (
                  <option key={team.id} value={team.id}>
                    {team.name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="Handed over to the research team"
        />
        <InlineError error={update.error ?? teams.error} />
      </div>
    </Dialog>
  );
}
