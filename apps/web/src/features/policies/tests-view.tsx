'use client';

import { type DocumentTestRun, runDocumentTests } from '@raypher/policy';
import { CircleCheck, CircleX } from 'lucide-react';
import { useMemo } from 'react';
import { EmptyState } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { plural } from '@/lib/format/format.ts';
import { useWhyNot } from '@/lib/me/me-provider.tsx';
import { GLOBAL, toDocuments } from './draft.ts';
import { OwnerTabs } from './owner-tabs.tsx';
import { PolicyEditor } from './policy-editor.tsx';
import { TESTS_LANGUAGE } from './policy-language.ts';
import { useDebounced } from './use-debounced.ts';
import { useOwner } from './use-owner.ts';
import type { PolicyDraft } from './use-policy-draft.ts';

const FIRST_TEST = `tests:
  - name: DeepSeek is denied
    request: { action: network.connect, host: api.deepseek.com }
    expect: { outcome: DENY }
`;
/** After the last key, milliseconds. */
const PAUSE_MS = 300;

/** What the policy promises, run on every pause in typing and again before each deploy. */
export function TestsView({ draft }: { draft: PolicyDraft }) {
  const { owner, team, teams, choose, nameOf } = useOwner();
  const readOnly = useWhyNot('policies:deploy') !== undefined;
  const source = draft.tests[owner] ?? '';
  return (
    <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] grid-rows-[max-content_minmax(min(320px,60dvh),1fr)_max-content] xl:grid-cols-[minmax(0,1fr)_400px] xl:grid-rows-[max-content_minmax(min(320px,60dvh),1fr)]">
      <OwnerTabs owner={owner} teams={teams} sources={draft.tests} changed={[]} onChange={choose} />
      <div className="min-h-0 border-x border-b bg-surface xl:mb-4 xl:rounded-bl-lg">
        {source === '' ? (
          <EmptyState
            title={`${nameOf(owner)} has no tests`}
            action={
              !readOnly && (
                <Button variant="primary" onClick={() => draft.editTests(owner, FIRST_TEST)}>
                  Write the first one
                </Button>
              )
            }
          >
            <p>
              A test is a request and what the policy must say about it. Tests are kept with each revision; a
              deploy that breaks one is refused unless somebody says why. Devices are not sent them.
            </p>
          </EmptyState>
        ) : (
          <PolicyEditor
            key={owner}
            label={team === undefined ? 'Tests of the global policy' : `Tests of team ${team.name}`}
            language={TESTS_LANGUAGE}
            source={source}
            readOnly={readOnly}
            onChange={(text) => draft.editTests(owner, text)}
          />
        )}
      </div>
      <TestResults draft={draft} owner={owner} />
    </div>
  );
}

function TestResults({ draft, owner }: { draft: PolicyDraft; owner: string }) {
  const documents = useDebounced(draft.draft, PAUSE_MS);
  const tests = useDebounced(draft.tests, PAUSE_MS);
  const run = useMemo(() => runTests(documents, tests), [documents, tests]);
  const own = run.results.filter((one) => (one.team ?? GLOBAL) === owner);
  const issues = run.issues.filter((one) => (one.team ?? GLOBAL) === owner);
  return (
    <aside
      aria-label="Results of the tests"
      className="border-b xl:mb-4 xl:min-h-0 xl:overflow-y-auto xl:rounded-br-lg xl:border-r xl:bg-surface"
    >
      <div className="border-b px-4 py-3">
        <TestSummary run={{ results: own, issues }} />
      </div>
      <ul className="divide-y">
        {issues.map(({ issue }) => (
          <li key={`${issue.line}:${issue.column} ${issue.message}`} className="px-4 py-2">
            <span className="text-xs text-ink-3">Line {issue.line}</span>
            <p>
              {issue.message}
              {issue.suggestion !== undefined && (
                <span className="text-ink-2">. Did you mean {issue.suggestion}?</span>
              )}
            </p>
          </li>
        ))}
        {own.map(({ result }, index) => (
          // Names may repeat; the order is that of the source.
          // biome-ignore lint/suspicious/noArrayIndexKey: a result is known by its place
          <li key={index} className="flex gap-2 px-4 py-2">
            {result.passed ? (
              <CircleCheck aria-label="Passed" className="mt-0.5 size-4 shrink-0 text-allowed" />
            ) : (
              <CircleX aria-label="Failed" className="mt-0.5 size-4 shrink-0 text-denied" />
            )}
            <div className="min-w-0">
              <p className="break-words">{result.name}</p>
              {result.differences.map(({ key, expected, actual }) => (
                <p key={key} className="text-xs break-words text-ink-2">
                  {key}: expected <code className="font-mono">{expected}</code>, got{' '}
                  <code className="font-mono">{actual}</code>
                </p>
              ))}
              {result.why.length > 0 && (
                <details className="text-xs text-ink-2">
                  <summary className="cursor-pointer py-1">Why?</summary>
                  {result.why.map((sentence) => (
                    <p key={sentence} className="break-words">
                      {sentence}
                    </p>
                  ))}
                </details>
              )}
            </div>
          </li>
        ))}
      </ul>
    </aside>
  );
}

/** All tests of a draft; the browser runs what the server will run before it deploys. */
export function runTests(draft: PolicyDraft['draft'], tests: PolicyDraft['tests']): DocumentTestRun {
  return runDocumentTests(toDocuments(draft), toDocuments(tests));
}

export function TestSummary({ run }: { run: DocumentTestRun }) {
  const failed = run.results.filter(({ result }) => !result.passed).length;
  if (run.issues.length > 0) {
    return (
      <p className="flex items-center gap-2 font-medium text-denied">
        <CircleX aria-hidden="true" className="size-4" /> {plural(run.issues.length, 'mistake')} in the tests
      </p>
    );
  }
  if (run.results.length === 0) return <p className="text-ink-3">No test.</p>;
  return failed === 0 ? (
    <p className="flex items-center gap-2 font-medium text-allowed">
      <CircleCheck aria-hidden="true" className="size-4" /> {plural(run.results.length, 'test')} passed
    </p>
  ) : (
    <p className="flex items-center gap-2 font-medium text-denied">
      <CircleX aria-hidden="true" className="size-4" /> {failed} of {plural(run.results.length, 'test')}{' '}
      failed
    </p>
  );
}
