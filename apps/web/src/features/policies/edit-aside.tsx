'use client';

import { changeInWords, type PolicyDocument, parsePolicy, SECTIONS, unreachableRules } from '@raypher/policy';
import { CircleCheck, CircleX, TriangleAlert } from 'lucide-react';
import { useDeferredValue, useMemo } from 'react';
import { plural } from '@/lib/format/format.ts';
import { GLOBAL } from './draft.ts';
import { ruleChanges } from './rule-changes.ts';
import type { PolicyDraft } from './use-policy-draft.ts';

/** Beside the editor: what is wrong, and what would change in effect. */
export function EditAside({ draft, owner }: { draft: PolicyDraft; owner: string }) {
  const source = useDeferredValue(draft.draft[owner] ?? '');
  // As late as the text that it is compared with: an empty text before it comes is no removed policy.
  const before = useDeferredValue(draft.base[owner] ?? '');
  const parsed = useMemo(
    () =>
      source.trim() === '' ? undefined : parsePolicy(source, { layer: owner === GLOBAL ? 'global' : 'team' }),
    [source, owner],
  );
  const changes = useMemo(
    () => ruleChanges(owner, { [owner]: before }, { [owner]: source }),
    [owner, before, source],
  );
  const warnings = useMemo(
    () => (parsed?.ok === true ? unreachableRules(source, parsed.document) : []),
    [parsed, source],
  );
  const rules = parsed?.ok === true ? countRules(parsed.document) : 0;
  return (
    <aside
      aria-label="Check of the policy"
      className="border-b xl:mb-4 xl:min-h-0 xl:overflow-y-auto xl:rounded-br-lg xl:border-r xl:bg-surface"
    >
      <div className="border-b px-4 py-3">
        {parsed === undefined ? (
          <p className="text-ink-3">Nothing to check.</p>
        ) : parsed.ok ? (
          <p className="flex items-center gap-2 font-medium text-allowed">
            <CircleCheck aria-hidden="true" className="size-4" /> Valid
            <span className="font-normal text-ink-2">
              · {plural(rules, 'rule')} · {parsed.document.mode === 'enforce' ? 'enforces' : 'monitors only'}
            </span>
          </p>
        ) : (
          <p className="flex items-center gap-2 font-medium text-denied">
            <CircleX aria-hidden="true" className="size-4" /> {plural(parsed.issues.length, 'mistake')}
          </p>
        )}
        {warnings.length > 0 && (
          <ul aria-label="Warnings" className="mt-2 grid gap-2">
            {warnings.map((warning) => (
              <li key={warning.path} className="flex items-start gap-2">
                <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-prompted" />
                <span>
                  <span className="text-xs text-ink-3">Line {warning.line}</span>
                  <br />
                  {warning.message}
                </span>
              </li>
            ))}
          </ul>
        )}
        {parsed?.ok === false && (
          <ul className="mt-2 grid gap-2">
            {parsed.issues.map((issue) => (
              <li key={`${issue.line}:${issue.column}:${issue.message}`}>
                <span className="text-xs text-ink-3">
                  Line {issue.line}
                  {issue.path !== '' && (
                    <>
                      {' · '}
                      <code className="font-mono">{issue.path}</code>
                    </>
                  )}
                </span>
                <p>
                  {issue.message}
                  {issue.suggestion !== undefined && (
                    <span className="text-ink-2">. Did you mean {issue.suggestion}?</span>
                  )}
                </p>
              </li>
            ))}
          </ul>
        )}
      </div>
      <div className="px-4 py-3">
        <h2 className="mb-2 text-xs text-ink-3">In effect, against the running revision</h2>
        {changes === undefined ? (
          <p className="text-ink-2">Known when the policy is valid.</p>
        ) : changes.length === 0 ? (
          <p className="text-ink-2">{source === before ? 'No change.' : 'Text changed, effect the same.'}</p>
        ) : (
          <ul className="grid gap-1">
            {changes.map((change) => (
              <li key={changeInWords(change)}>{changeInWords(change)}</li>
            ))}
          </ul>
        )}
      </div>
    </aside>
  );
}

/** Of all sections, limits of spending included. */
function countRules(document: PolicyDocument): number {
  return SECTIONS.reduce((sum, name) => {
    const section = document[name];
    if (section === undefined) return sum;
    return (
      sum +
      ('rules' in section ? section.rules.length : 0) +
      ('limits' in section ? section.limits.length : 0)
    );
  }, 0);
}
