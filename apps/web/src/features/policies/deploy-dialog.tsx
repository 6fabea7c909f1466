'use client';

import { changeInWords } from '@raypher/policy';
import type { CheckedPolicy, PolicyDocuments } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleX, Rocket } from 'lucide-react';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Textarea } from '@/components/ui/input.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { RolloutProgress } from '@/components/wide/rollout-progress.tsx';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { toDocuments } from './draft.ts';
import { replayQuery } from './replay-query.ts';
import { ReplayResults } from './replay-results.tsx';
import { ruleChanges } from './rule-changes.ts';
import { DEFAULT_STAGE, toStage } from './stage-answers.ts';
import { StageFields } from './stage-fields.tsx';
import { runTests, TestSummary } from './tests-view.tsx';
import type { PolicyDraft } from './use-policy-draft.ts';

/** Who it meets, what it changes, why, the typed name; then how far it has come, device by device. */
export function DeployDialog({ draft, onClose }: { draft: PolicyDraft; onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const [override, setOverride] = useState('');
  const [stageAnswers, setStageAnswers] = useState(DEFAULT_STAGE);
  // The dialog deploys what was on screen when it was opened, and its summary speaks of the same.
  const [documents] = useState(() => toDocuments(draft.draft));
  const [tests] = useState(() => toDocuments(draft.tests));
  const [basedOn] = useState(draft.basedOn);
  const [run] = useState(() => runTests(draft.draft, draft.tests));
  const [changes] = useState(() =>
    draft.changed.flatMap((owner) => ruleChanges(owner, draft.base, draft.draft) ?? []),
  );
  const stage = toStage(stageAnswers);
  const isFailing = run.results.some(({ result }) => !result.passed);
  const check = useQuery({
    queryKey: ['policy-check', documents],
    queryFn: () => api.checkPolicy(documents),
    staleTime: 0,
  });
  const deploy = useMutation({
    mutationFn: () =>
      api.deployPolicy({
        documents,
        tests,
        basedOn,
        reason: answers.reason,
        confirm: answers.confirm,
        ...(isFailing ? { overrideTests: override } : {}),
        ...(stage === undefined || stage === null ? {} : { stage }),
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['policies'] });
      draft.discard();
    },
    // A refusal usually means that somebody else was faster: the page behind shows the newer revision.
    onError: () => void client.invalidateQueries({ queryKey: keys.runningPolicy }),
  });
  const missing = missingNow();

  function missingNow(): string | undefined {
    if (check.data?.ok === false) return 'Correct the mistakes first.';
    if (run.issues.length > 0) return 'Correct the mistakes in the tests first.';
    if (stage === null) return 'Say who gets it first.';
    if (isFailing && override.trim().length < 3) return 'Tests fail: say why it is deployed all the same.';
    return missingAnswer(answers, me.organisation.name);
  }

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
      description={
        stage === undefined
          ? `These documents become the running policy of ${me.organisation.name}.`
          : 'Some devices get these documents first. All others keep the running revision until you promote them.'
      }
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || check.data === undefined || deploy.isPending}
            onClick={() => deploy.mutate()}
          >
            <Rocket />{' '}
            {deploy.isPending
              ? 'Deploying'
              : stage === undefined
                ? 'Deploy to all devices'
                : 'Deploy to these devices first'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <StageFields answers={stageAnswers} onChange={setStageAnswers} />
        <BlastRadiusView
          query={stage === undefined || stage === null ? { action: 'deploy' } : { action: 'deploy', stage }}
        />
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
        {check.data?.ok === true && <LastWeek documents={documents} />}
        {(run.results.length > 0 || run.issues.length > 0) && (
          <section aria-label="Tests" className="grid gap-2">
            <h3 className="text-xs font-medium text-ink-2">Tests</h3>
            <TestSummary run={run} />
            {isFailing && (
              <>
                <ul className="grid gap-0.5">
                  {run.results
                    .filter(({ result }) => !result.passed)
                    .slice(0, 5)
                    .map(({ result, team }) => (
                      <li key={`${team ?? ''} ${result.name}`} className="text-ink-2">
                        {result.name}
                      </li>
                    ))}
                </ul>
                <Field
                  label="Deploy although tests fail, because"
                  hint="Recorded in the audit, with your name."
                >
                  {(control) => (
                    <Textarea
                      {...control}
                      rows={2}
                      maxLength={1000}
                      value={override}
                      onChange={(event) => setOverride(event.target.value)}
                    />
                  )}
                </Field>
              </>
            )}
          </section>
        )}
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

/** What it would have changed in the last 7 days. Deploying does not wait for it. */
function LastWeek({ documents }: { documents: PolicyDocuments }) {
  const replay = useQuery({
    queryKey: ['policy-replay', documents],
    queryFn: () => api.replayPolicy(replayQuery(documents, 7, false)),
    staleTime: 60_000,
    retry: false,
  });
  return (
    <section aria-label="What would have changed">
      <h3 className="mb-1 text-xs font-medium text-ink-2">In the last 7 days it would have changed</h3>
      {replay.error !== null ? (
        <InlineError error={replay.error} />
      ) : replay.data === undefined ? (
        <Skeleton className="w-64" />
      ) : (
        <ReplayResults replayed={replay.data} />
      )}
    </section>
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
