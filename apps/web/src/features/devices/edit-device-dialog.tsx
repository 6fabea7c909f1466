'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select } from '@/components/ui/input.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
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
  const newLabel = label.trim();
  const same = newLabel === before.label && teamId === before.teamId;
  // Until the list of teams is there, the device's own is the only choice.
  const choices = teams.data?.items ?? (device.team === null ? [] : [device.team]);
  return (
    <ReasonDialog
      title={`Edit ${device.hostname}`}
      description="What it is called here, and the team it belongs to."
      reasonPlaceholder="Handed over to the research team"
      missing={same ? 'Nothing is changed yet.' : undefined}
      button="Save"
      act={({ reason }) =>
        api.updateDevice(device.id, {
          ...(newLabel === before.label ? {} : { label: newLabel === '' ? null : newLabel }),
          ...(teamId === before.teamId ? {} : { teamId }),
          reason,
        })
      }
      onDone={() => {
        toast.done(`${newLabel === '' ? device.hostname : newLabel} is changed`);
        void client.invalidateQueries({ queryKey: ['devices'] });
      }}
      onClose={onClose}
    >
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
      <InlineError error={teams.error} />
    </ReasonDialog>
  );
}
