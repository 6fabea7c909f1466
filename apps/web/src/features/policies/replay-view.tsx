'use client';

import { useMutation } from '@tanstack/react-query';
import { History } from 'lucide-react';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { EmptyState, InlineError } from '@/components/states.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Select } from '@/components/ui/input.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { toDocuments } from './draft.ts';
import { replayQuery } from './replay-query.ts';
import { ReplayResults } from './replay-results.tsx';
import type { PolicyDraft } from './use-policy-draft.ts';

const DAYS = ['1', '7', '30'] as const;

/** The draft over recorded events: what it would have changed, had it been in force. */
export function ReplayView({ draft }: { draft: PolicyDraft }) {
  const url = useUrlState();
  const days = oneOf(url.get('days'), DAYS) ?? '7';
  const [assumeEnforced, setAssumeEnforced] = useState(false);
  const replay = useMutation({
    mutationFn: () => api.replayPolicy(replayQuery(toDocuments(draft.draft), Number(days), assumeEnforced)),
  });
  return (
    <div className="grid max-w-4xl content-start gap-4 overflow-y-auto py-4">
      <form
        className="flex flex-wrap items-end gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          replay.mutate();
        }}
      >
        <div className="w-40">
          <Field label="Recorded in">
            {(control) => (
              <Select {...control} value={days} onChange={(event) => url.set({ days: event.target.value })}>
                <option value="1">the last day</option>
                <option value="7">the last 7 days</option>
                <option value="30">the last 30 days</option>
              </Select>
            )}
          </Field>
        </div>
        <label className="flex h-8 items-center gap-2">
          <input
            type="checkbox"
            className="size-4"
            checked={assumeEnforced}
            onChange={(event) => setAssumeEnforced(event.target.checked)}
          />
          As if it enforced, where it only monitors
        </label>
        <GuardedButton
          needs="policies:deploy"
          variant="primary"
          type="button"
          disabled={replay.isPending}
          onClick={() => replay.mutate()}
        >
          <History /> {replay.isPending ? 'Looking' : 'Show what would have changed'}
        </GuardedButton>
      </form>
      <InlineError error={replay.error} />
      {replay.isPending ? (
        <SkeletonRows rows={4} />
      ) : replay.data !== undefined ? (
        <ReplayResults replayed={replay.data} />
      ) : (
        <EmptyState title="Try the draft on what really happened">
          <p>
            Recorded requests are decided again, by the running policy and by the draft, and compared. Nothing
            on any device changes.
          </p>
        </EmptyState>
      )}
    </div>
  );
}
