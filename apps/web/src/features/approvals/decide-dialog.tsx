'use client';

import type { Approval, DecideApproval } from '@raypher/shared/rest';
import { MAX_APPROVAL_MINUTES } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Choice } from '@/components/filter-bar.tsx';
import { useAnnounce } from '@/components/shell/announcer.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { Countdown } from './countdown.tsx';

interface DecideDialogProps {
  approval: Approval;
  outcome: DecideApproval['outcome'];
  onClose: () => void;
}

type Scope = DecideApproval['scope'];

const SCOPES: { value: Scope; label: string }[] = [
  { value: 'once', label: 'Once' },
  { value: 'session', label: 'This process' },
  { value: 'minutes', label: 'For some minutes' },
];

const MEANINGS: Record<Scope, string> = {
  once: 'Holds for what waits now. The next time somebody is asked again.',
  session: 'Holds for the same rule and target as long as this process lives, and not beyond a new policy.',
  minutes: 'Holds for the same rule and target of this process for so long, and not beyond a new policy.',
};

/** An answer to one question: how far it reaches and why. */
export function DecideDialog({ approval, outcome, onClose }: DecideDialogProps) {
  const client = useQueryClient();
  const toast = useToast();
  const announce = useAnnounce();
  const [scope, setScope] = useState<Scope>('once');
  const [minutes, setMinutes] = useState('10');
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const known = approval.actor.pid !== null;
  const { actor, action, target, approversNeeded } = approval;
  const decide = useMutation({
    mutationFn: () =>
      api.decideApproval(approval.id, {
        outcome,
        scope,
        ...(scope === 'minutes' ? { minutes: Number(minutes) } : {}),
        reason: answers.reason,
      }),
    onSuccess: (decided) => {
      const said = outcome === 'allow' ? 'Allowed' : 'Denied';
      const next =
        decided.state === 'pending'
          ? 'Recorded. Another person must allow it as well.'
          : 'The device is told now.';
      toast.done(`${said}: ${actor.name}`, next);
      announce(`${said}. ${next}`);
      client.setQueryData(keys.approval(approval.id), decided);
      onClose();
    },
    // Also after a refusal: then the question is another one by now.
    onSettled: () => client.invalidateQueries({ queryKey: keys.approvals() }),
  });
  const missing =
    (scope === 'minutes' ? wrongMinutes(minutes) : undefined) ?? missingAnswer(answers, undefined);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={outcome === 'allow' ? `Allow ${actor.name}` : `Deny ${actor.name}`}
      description={
        outcome === 'allow'
          ? approversNeeded > 1
            ? 'Two different people must allow this.'
            : 'The AI agent goes on at once.'
          : 'The AI agent is told to stop and to tell its person, not to try another way.'
      }
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant={outcome === 'allow' ? 'primary' : 'danger'}
            disabled={missing !== undefined || decide.isPending}
            onClick={() => decide.mutate()}
          >
            {outcome === 'allow' ? 'Allow' : 'Deny'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <div className="grid gap-1 rounded-lg border bg-canvas px-3 py-2.5">
          <span>
            <Countdown expiresAt={approval.expiresAt} />
          </span>
          <p className="break-all">
            {action} <span className="font-mono">{target}</span>
          </p>
          <p className="text-xs text-ink-3">{`${approval.device.hostname} · rule ${approval.rule}`}</p>
        </div>
        {known ? (
          <div className="grid gap-1">
            <Choice
              label="How long it holds"
              value={scope}
              options={SCOPES}
              onChange={(next) => {
                if (next !== '') setScope(next);
              }}
            />
            <p className="text-xs text-ink-3">{MEANINGS[scope]}</p>
          </div>
        ) : (
          <p className="text-xs text-ink-3">
            The device does not know which process asks, so the answer holds once.
          </p>
        )}
        {scope === 'minutes' && (
          <Field
            label="Minutes"
            hint={`From 1 to ${MAX_APPROVAL_MINUTES}, a day.`}
            error={wrongMinutes(minutes)}
          >
            {(control) => (
              <Input
                {...control}
                inputMode="numeric"
                value={minutes}
                onChange={(event) => setMinutes(event.target.value)}
              />
            )}
          </Field>
        )}
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder={
            outcome === 'allow' ? 'Agreed in the stand-up, ticket 42' : 'Not with customer data'
          }
        />
        <InlineError error={decide.error} />
      </div>
    </Dialog>
  );
}

function wrongMinutes(text: string): string | undefined {
  const minutes = Number(text);
  const isRight = /^\d+$/.test(text) && minutes >= 1 && minutes <= MAX_APPROVAL_MINUTES;
  return isRight ? undefined : `Say how many minutes, from 1 to ${MAX_APPROVAL_MINUTES}.`;
}
