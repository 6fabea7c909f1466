'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Input } from '@/components/ui/input.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { type PriceDraft, toDrafts, toModels } from './price-draft.ts';

const FIELDS = [
  { name: 'provider', label: 'Provider', example: 'openai' },
  { name: 'model', label: 'Model', example: 'gpt-9*' },
  { name: 'input', label: 'Input, $ per million tokens', example: '2.50' },
  { name: 'output', label: 'Output, $ per million tokens', example: '10' },
] as const;

/** The organisation's own prices. They travel with the policy, so that saving them is a deploy. */
export function PricesDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const me = useMe();
  const { data, error } = useQuery({ queryKey: keys.prices, queryFn: api.prices });
  const [drafts, setDrafts] = useState<PriceDraft[]>();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  useEffect(() => {
    if (data !== undefined) setDrafts((before) => before ?? toDrafts(data.prices.models));
  }, [data]);
  const models = drafts === undefined ? undefined : toModels(drafts);
  const save = useMutation({
    mutationFn: () => api.putPrices({ prices: { version: 1, models: models ?? [] }, ...answers }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.prices });
      onClose();
    },
  });
  const missing =
    models === undefined
      ? 'Each needs provider, model and two amounts.'
      : missingAnswer(answers, me.organisation.name);
  const change = (id: string, changes: Partial<PriceDraft>) =>
    setDrafts((before) => before?.map((draft) => (draft.id === id ? { ...draft, ...changes } : draft)));
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Your own prices"
      description="They come before the list that every agent brings along: for new models, contracts, machines of your own. A model may end in * for all that begin so. Saving deploys the running policy again with them."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <GuardedButton
            needs="policies:deploy"
            variant="primary"
            disabled={missing !== undefined || save.isPending}
            onClick={() => save.mutate()}
          >
            Save and deploy
          </GuardedButton>
        </>
      }
    >
      <div className="grid gap-4">
        <InlineError error={error} />
        <p className="text-xs text-ink-2">Provider, model, and dollars per million tokens in and out.</p>
        <ul className="grid gap-2">
          {(drafts ?? []).map((draft, index) => (
            <li
              key={draft.id}
              className="grid grid-cols-2 items-center gap-2 sm:grid-cols-[1fr_1.4fr_1fr_1fr_auto]"
            >
              {FIELDS.map(({ name, label, example }) => (
                <Input
                  key={name}
                  aria-label={`${label} of price ${index + 1}`}
                  title={label}
                  placeholder={example}
                  value={draft[name]}
                  onChange={(event) => change(draft.id, { [name]: event.target.value })}
                />
              ))}
              <Button
                size="sm"
                variant="ghost"
                aria-label={`Remove price ${index + 1}`}
                onClick={() => setDrafts((before) => before?.filter(({ id }) => id !== draft.id))}
              >
                <Trash2 />
              </Button>
            </li>
          ))}
        </ul>
        <Button
          size="sm"
          className="justify-self-start"
          onClick={() =>
            setDrafts((before) => [
              ...(before ?? []),
              { id: crypto.randomUUID(), provider: '', model: '', input: '', output: '', rest: {} },
            ])
          }
        >
          <Plus /> Add a price
        </Button>
        <WideFields
          answers={answers}
          onChange={setAnswers}
          confirmName={me.organisation.name}
          reasonPlaceholder="Our contract of this year"
        />
        <InlineError error={save.error} />
      </div>
    </Dialog>
  );
}
