'use client';

import { changeInWords } from '@raypher/policy';
import { Section } from '@/components/page-header.tsx';
import { EmptyState } from '@/components/states.tsx';
import { PolicyDiff } from './policy-diff.tsx';
import { ruleChanges } from './rule-changes.ts';
import { useOwner } from './use-owner.ts';
import type { PolicyDraft } from './use-policy-draft.ts';

/** The draft against the running revision, document by document: the effect in words, then the text. */
export function ChangesView({ draft }: { draft: PolicyDraft }) {
  const { nameOf } = useOwner();
  if (draft.changed.length === 0) {
    return (
      <EmptyState title="Nothing differs from the running revision">
        <p>Edit a policy; before it is deployed its changes are shown here.</p>
      </EmptyState>
    );
  }
  return (
    <div className="grid gap-4 overflow-y-auto py-4">
      {draft.changed.map((owner) => {
        const name = nameOf(owner);
        const changes = ruleChanges(owner, draft.base, draft.draft);
        return (
          <Section key={owner} title={name} aside={<span>running → draft</span>}>
            <div className="border-b px-4 py-3">
              {changes === undefined ? (
                <p className="text-ink-2">The effect is known when the policy is valid.</p>
              ) : changes.length === 0 ? (
                <p className="text-ink-2">Text changed, effect the same.</p>
              ) : (
                <ul aria-label={`Changes of ${name} in words`} className="grid gap-1">
                  {changes.map((change) => (
                    <li key={changeInWords(change)}>{changeInWords(change)}</li>
                  ))}
                </ul>
              )}
            </div>
            <PolicyDiff
              label={`Changes of ${name}`}
              before={draft.base[owner] ?? ''}
              after={draft.draft[owner] ?? ''}
            />
          </Section>
        );
      })}
    </div>
  );
}
