'use client';

import { useQuery } from '@tanstack/react-query';
import { Section } from '@/components/page-header.tsx';
import { EmptyState } from '@/components/states.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { GLOBAL } from './draft.ts';
import { PolicyDiff } from './policy-diff.tsx';
import type { PolicyDraft } from './use-policy-draft.ts';

/** The draft against the running revision, document by document. */
export function ChangesView({ draft }: { draft: PolicyDraft }) {
  const me = useMe();
  const teams = useQuery({
    queryKey: keys.teams,
    queryFn: api.teams,
    enabled: me.permissions.includes('teams:read'),
  });
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
        const name =
          owner === GLOBAL
            ? 'Global policy'
            : `Team ${teams.data?.items.find(({ id }) => id === owner)?.name ?? owner}`;
        return (
          <Section key={owner} title={name} aside={<span>running → draft</span>}>
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
