'use client';

import type { PolicyStage } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select } from '@/components/ui/input.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { DEFAULT_STAGE, type StageAnswers } from './stage-answers.ts';
import { useOwner } from './use-owner.ts';

/** Everybody at once, or some devices first. */
export function StageFields({
  answers,
  onChange,
}: {
  answers: StageAnswers;
  onChange: (answers: StageAnswers) => void;
}) {
  const { teams } = useOwner();
  const devices = useQuery({
    queryKey: keys.devices({ limit: 500 }),
    queryFn: () => api.devices({ limit: 500 }),
    enabled: answers.kind === 'devices',
  });
  const choices =
    answers.kind === 'teams'
      ? teams.map(({ id, name }) => ({ id, name }))
      : (devices.data?.items ?? []).map(({ id, hostname }) => ({ id, name: hostname }));
  return (
    <fieldset className="grid gap-3 rounded-lg border px-3 py-3">
      <legend className="px-1 text-xs font-medium text-ink-2">Who gets it</legend>
      <Field label="Rollout">
        {(control) => (
          <Select
            {...control}
            value={answers.kind}
            onChange={(event) => {
              const kind = STAGE_KINDS.find((one) => one === event.target.value) ?? 'all';
              onChange({ ...DEFAULT_STAGE, kind });
            }}
          >
            <option value="all">Every device at once</option>
            <option value="percentage">A share of devices first</option>
            <option value="teams">Teams first</option>
            <option value="devices">Named devices first</option>
          </Select>
        )}
      </Field>
      {answers.kind === 'percentage' && (
        <Field
          label="Share of devices, percent"
          hint="The same devices come first each time; a larger share contains them."
        >
          {(control) => (
            <Input
              {...control}
              type="number"
              min={1}
              max={99}
              value={answers.percentage}
              onChange={(event) => onChange({ ...answers, percentage: event.target.value })}
            />
          )}
        </Field>
      )}
      {(answers.kind === 'teams' || answers.kind === 'devices') && (
        <fieldset className="grid gap-1">
          <legend className="mb-1 text-xs font-medium text-ink-2">
            {answers.kind === 'teams' ? 'Teams' : 'Devices'}
          </legend>
          <div className="grid max-h-40 gap-1 overflow-y-auto rounded-md border px-2 py-1.5">
            {choices.length === 0 && <p className="text-xs text-ink-3">None.</p>}
            {choices.map(({ id, name }) => (
              <label key={id} className="flex min-h-6 items-center gap-2">
                <input
                  type="checkbox"
                  className="size-4"
                  value={id}
                  checked={answers.chosen.includes(id)}
                  onChange={(event) =>
                    onChange({
                      ...answers,
                      chosen: event.target.checked
                        ? [...answers.chosen, id]
                        : answers.chosen.filter((one) => one !== id),
                    })
                  }
                />
                {name}
                {answers.kind === 'devices' && (
                  // Names of machines are not unique.
                  <span className="font-mono text-xs text-ink-3">{id.slice(0, 8)}</span>
                )}
              </label>
            ))}
          </div>
        </fieldset>
      )}
      {answers.kind !== 'all' && (
        <Field
          label="Withdraw when refused by, percent"
          hint="When this share of its devices refuses the revision, it is taken back by itself."
        >
          {(control) => (
            <Input
              {...control}
              type="number"
              min={1}
              max={100}
              value={answers.haltAtPercent}
              onChange={(event) => onChange({ ...answers, haltAtPercent: event.target.value })}
            />
          )}
        </Field>
      )}
    </fieldset>
  );
}

const STAGE_KINDS: readonly (PolicyStage['selector']['kind'] | 'all')[] = [
  'all',
  'percentage',
  'teams',
  'devices',
];
