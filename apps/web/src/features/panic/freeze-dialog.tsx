'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Snowflake } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { Choice } from '@/components/filter-bar.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input, Select } from '@/components/ui/input.tsx';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { RolloutProgress } from '@/components/wide/rollout-progress.tsx';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { readSelector, SELECTOR_KINDS, type SelectorKind } from './selector-draft.ts';

interface FreezeDialogProps {
  kind: SelectorKind;
  /** Filled in by a link from an AI agent. */
  value: string;
  onKind: (kind: SelectorKind) => void;
  onClose: () => void;
}

export function FreezeDialog({ kind, value: initialValue, onKind, onClose }: FreezeDialogProps) {
  const me = useMe();
  const client = useQueryClient();
  const [value, setValue] = useState(initialValue);
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const typed = readSelector(kind, value);
  const settled = useDeferredValue(typed.ok ? typed.selector : undefined);
  const everything = kind === 'all';
  const freeze = useMutation({
    mutationFn: async () => {
      if (!typed.ok) throw new Error('Choose first what to freeze.');
      return api.createFreeze({ selector: typed.selector, reason: answers.reason, confirm: answers.confirm });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: keys.freezes }),
  });
  const missing = typed.ok
    ? missingAnswer(answers, everything ? me.organisation.name : undefined)
    : 'Choose what to freeze.';
  const close = (open: boolean): void => {
    if (!open) onClose();
  };

  if (freeze.data !== undefined) {
    const { freeze: created, rollout } = freeze.data;
    return (
      <Dialog
        open
        onOpenChange={close}
        width="lg"
        title={`Freezing ${created.describes}`}
        description="Closing this changes nothing: the freeze stays until it is thawed."
        footer={<Button onClick={onClose}>Close</Button>}
      >
        <RolloutProgress initial={rollout} />
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onOpenChange={close}
      title={everything ? 'Global Freeze' : 'Freeze AI agents'}
      description="Suspended in memory, network connections kept open as long as the other side waits. A thaw lets them go on."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="freeze"
            disabled={missing !== undefined || freeze.isPending}
            onClick={() => freeze.mutate()}
          >
            <Snowflake /> {freeze.isPending ? 'Freezing' : everything ? 'Freeze every AI agent' : 'Freeze'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <div className="overflow-x-auto">
          <Choice
            label="What to freeze"
            value={kind}
            options={SELECTOR_KINDS.map((option) => ({ value: option.kind, label: option.label }))}
            onChange={(next) => {
              if (next === '') return;
              setValue('');
              onKind(next);
            }}
          />
        </div>
        <SelectorField
          kind={kind}
          value={value}
          onChange={setValue}
          problem={typed.ok ? undefined : typed.problem}
        />
        {settled !== undefined && <BlastRadiusView query={{ action: 'freeze', selector: settled }} />}
        <WideFields
          answers={answers}
          onChange={setAnswers}
          confirmName={everything ? me.organisation.name : undefined}
          reasonPlaceholder="Compromised release of the library, incident 42"
        />
        <InlineError error={freeze.error} />
      </div>
    </Dialog>
  );
}

interface SelectorFieldProps {
  kind: SelectorKind;
  value: string;
  problem: string | undefined;
  onChange: (value: string) => void;
}

function SelectorField({ kind, value, problem, onChange }: SelectorFieldProps) {
  const teams = useQuery({ queryKey: keys.teams, queryFn: api.teams, enabled: kind === 'team' });
  const meaning = SELECTOR_KINDS.find((option) => option.kind === kind)?.meaning;
  switch (kind) {
    case 'all':
      return <p className="text-ink-2">{meaning}. Your own tools and the system itself are never frozen.</p>;
    case 'team':
      return (
        <Field label="Team" hint={meaning} error={problem}>
          {(control) => (
            <Select {...control} value={value} onChange={(event) => onChange(event.target.value)}>
              <option value="">Choose a team</option>
              {teams.data?.items.map((team) => (
                <option key={team.id} value={team.id}>
                  {team.name} ({team.devices} devices)
                </option>
              ))}
            </Select>
          )}
        </Field>
      );
    case 'library':
    case 'hash':
    case 'model':
      return (
        <Field
          label={{ library: 'Library', hash: 'SHA-256 of the executable', model: 'Model' }[kind]}
          hint={meaning}
          error={problem}
        >
          {(control) => (
            <Input
              {...control}
              className="font-mono"
              value={value}
              placeholder={{ library: 'langchain', hash: '64 hex digits', model: 'gpt-4o' }[kind]}
              onChange={(event) => onChange(event.target.value)}
            />
          )}
        </Field>
      );
  }
}
