'use client';
import { changeInWords } from '@raypher/policy';

import type { CheckedPolicy } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleX, Rocket } from 'lucide-react';
import { useMemo, useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { RolloutProgress } from '@/components/wide/rollout-progress.tsx';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { toDocuments } from './draft.ts';
import { ruleChanges } from './rule-changes.ts';
import type { PolicyDraft } from './use-policy-draft.ts';

/** Who it meets, why, the typed name; then how far it has come, device by device. */
export function DeployDialog({ draft, onClose }: { draft: PolicyDraft; onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  // The dialog deploys what was on screen when it was opened, and its summary speaks of the same.
  const [documents] = useState(() => toDocuments(draft.draft));
  const [basedOn] = useState(draft.basedOn);
  const [changes] = useState(() =>
    draft.changed.flatMap((owner) => ruleChanges(owner, draft.base, draft.draft) ?? []),
  );
  const check = useQuery({
    queryKey: ['policy-check', documents],
    queryFn: () => api.checkPolicy(documents),
    staleTime: 0,
  });
  const deploy = useMutation({
    mutationFn: () =>
      api.deployPolicy({ documents, basedOn, reason: answers.reason, confirm: answers.confirm }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['policies'] });
      draft.discard();
    },
    // A refusal usually means that somebody else was faster: the page behind shows the newer revision.
    onError: () => void client.invalidateQueries({ queryKey: keys.runningPolicy }),
  });
  const missing = useMemo(
    () =>
      check.data?.ok === false ? 'Correct the mistakes first.' : missingAnswer(answers, me.organisation.name),
    [check.data, answers, me.organisation.name],
  );

  if (deploy.data !== undefined) {
    return (
      <Dialog
        open
        onOpenChange={(open) => {
          if (!open) onClose();
        }}
        width="lg"
        title={deploy.data.title}
        description="Closing this changes nothing: the rollout goes on and stays visible under Revisions."
        footer={<Button onClick={onClose}>Close</Button>}
      >
        <RolloutProgress initial={deploy.data} />
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Deploy Global"
      description={`These documents become the running policy of ${me.organisation.name}.`}
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || check.data === undefined || deploy.isPending}
            onClick={() => deploy.mutate()}
          >
            <Rocket /> {deploy.isPending ? 'Deploying' : 'Deploy to all devices'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <BlastRadiusView query={{ action: 'deploy' }} />
        {changes.length > 0 && (
          <section aria-label="What changes">
            <h3 className="mb-1 text-xs font-medium text-ink-2">What changes</h3>
            <ul className="grid gap-0.5">
              {changes.map((change) => (
                <li key={changeInWords(change)}>{changeInWords(change)}</li>
              ))}
            </ul>
          </section>
        )}
        <ServerCheck checked={check.data} error={check.error} />
        <WideFields
          answers={answers}
          onChange={setAnswers}
          confirmName={me.organisation.name}
          reasonPlaceholder="DeepSeek is not approved for company data"
        />
        <InlineError error={deploy.error} />
      </div>
    </Dialog>
  );
}

function ServerCheck({ checked, error }: { checked: CheckedPolicy | undefined; error: unknown }) {
  if (error !== null && checked === undefined) return <InlineError error={error} />;
  if (checked === undefined) return <Skeleton className="w-40" />;
  if (checked.ok) return null;
  return (
    <ul aria-label="Mistakes" className="grid gap-1 rounded-md bg-denied-soft px-3 py-2">
      {checked.issues.map((issue) => (
        <li
          key={`${issue.team ?? issue.layer} ${issue.line}:${issue.column} ${issue.message}`}
          className="flex items-start gap-2 text-denied"
        >
          <CircleX aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          {issue.layer} policy, line {issue.line}: {issue.message}
        </li>
      ))}
    </ul>
  );
}
