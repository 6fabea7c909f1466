'use client';

import type { PanicOutcome } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { OctagonX } from 'lucide-react';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { CommandOutcome } from '../secrets/command-outcome.tsx';
import { PanicFacts } from './panic-facts.tsx';

interface PanicDialogProps {
  device: { id: string; hostname: string; connected: boolean };
  /** Without one: every AI agent of the device. */
  agent?: { id: string; name: string };
  onClose: () => void;
}

/** Freeze, sealed snapshot, reset connections, kill or hold: of one AI agent, or of all on a device. */
export function PanicDialog({ device, agent, onClose }: PanicDialogProps) {
  const client = useQueryClient();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const [hold, setHold] = useState(false);
  const [memory, setMemory] = useState(false);
  const key = useQuery({ queryKey: keys.forensicKey, queryFn: api.forensicKey });
  const panic = useMutation({
    mutationFn: () =>
      api.panic(device.id, {
        ...(agent === undefined
          ? { target: 'all' as const, confirm: answers.confirm }
          : { target: 'agent' as const, agent: agent.id }),
        hold,
        memory,
        reason: answers.reason,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.commands(device.id) }),
  });
  const who = agent?.name ?? `every AI agent of ${device.hostname}`;
  const confirmName = agent === undefined ? device.hostname : undefined;
  const missing = missingAnswer(answers, confirmName);
  const close = (open: boolean): void => {
    if (!open) onClose();
  };

  if (panic.data !== undefined) {
    return (
      <Dialog
        open
        onOpenChange={close}
        title={`Panic: ${who}`}
        description="Closing this changes nothing: the device has its order."
        footer={<Button onClick={onClose}>Close</Button>}
      >
        <CommandOutcome
          command={panic.data}
          connected={device.connected}
          done={({ panic: outcome }) => describe(outcome)}
        />
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onOpenChange={close}
      title={`Panic: ${who}`}
      description="Frozen first, then a sealed snapshot of what it was doing, then its connections are reset, then it ends."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="danger"
            disabled={missing !== undefined || panic.isPending}
            onClick={() => panic.mutate()}
          >
            <OctagonX /> {hold ? 'Freeze and seize' : 'Stop now'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <BlastRadiusView
          query={{ action: 'panic', device: device.id, ...(agent === undefined ? {} : { agent: agent.id }) }}
        />
        {key.data?.key === null && (
          <p role="note" className="rounded-md bg-unknown-soft px-3 py-2">
            This organisation has no forensic key: the snapshot is sealed to a key of the device, which its
            administrator has. Make one under Settings, Forensics.
          </p>
        )}
        <fieldset className="grid gap-2">
          <legend className="sr-only">What becomes of it</legend>
          <Choice
            checked={hold}
            onChange={setHold}
            label="Keep it frozen instead of ending it"
            hint="Its memory stays; new processes of it are frozen too, until somebody thaws it on the device."
          />
          <Choice
            checked={memory}
            onChange={setMemory}
            label="Dump its memory into the snapshot"
            hint="Whatever secrets it held are then in the sealed file."
          />
        </fieldset>
        <WideFields
          answers={answers}
          onChange={setAnswers}
          confirmName={confirmName}
          confirmHint="This concerns every AI agent of the device."
          reasonPlaceholder="Sends files to a stranger, incident 42"
        />
        <InlineError error={panic.error} />
      </div>
    </Dialog>
  );
}

interface ChoiceProps {
  checked: boolean;
  label: string;
  hint: string;
  onChange: (checked: boolean) => void;
}

function Choice({ checked, label, hint, onChange }: ChoiceProps) {
  return (
    <label className="flex items-start gap-2">
      <input
        type="checkbox"
        className="mt-1 accent-accent"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>
        {label}
        <span className="block text-xs text-ink-3">{hint}</span>
      </span>
    </label>
  );
}

function describe(outcome: PanicOutcome | null) {
  return outcome === null ? (
    <p>The device carried it out and told no figures.</p>
  ) : (
    <PanicFacts outcome={outcome} />
  );
}
