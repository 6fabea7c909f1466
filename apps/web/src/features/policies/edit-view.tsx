'use client';

import { STARTER_POLICY } from '@raypher/policy';
import { EmptyState } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { useWhyNot } from '@/lib/me/me-provider.tsx';
import { EditAside } from './edit-aside.tsx';
import { OwnerTabs } from './owner-tabs.tsx';
import { PolicyEditor } from './policy-editor.tsx';
import { POLICY_LANGUAGE } from './policy-language.ts';
import { useOwner } from './use-owner.ts';
import type { PolicyDraft } from './use-policy-draft.ts';

/** A team's first document: the smallest one that says something. */
const TEAM_START = `apiVersion: raypher/v1
# A team policy can only tighten what the global policy allows.
mode: monitor
network:
  default: allow
  rules: []
`;

export function EditView({ draft, loading }: { draft: PolicyDraft; loading: boolean }) {
  const readOnly = useWhyNot('policies:deploy') !== undefined;
  const { owner, team, teams, choose } = useOwner();
  const source = draft.draft[owner];
  const label = team === undefined ? 'Global policy' : `Policy of team ${team.name}`;
  return (
    <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] grid-rows-[max-content_minmax(min(320px,60dvh),1fr)_max-content] xl:grid-cols-[minmax(0,1fr)_320px] xl:grid-rows-[max-content_minmax(min(320px,60dvh),1fr)]">
      <OwnerTabs
        owner={owner}
        teams={teams}
        sources={draft.draft}
        changed={draft.changed}
        onChange={choose}
      />
      <div className="min-h-0 border-x border-b bg-surface xl:mb-4 xl:rounded-bl-lg">
        {loading ? (
          <div className="grid gap-2.5 p-4">
            <Skeleton className="w-48" />
            <Skeleton className="w-32" />
            <Skeleton className="w-64" />
          </div>
        ) : source === undefined || source === '' ? (
          <EmptyState
            title={team === undefined ? 'No global policy' : `${team.name} has no policy of its own`}
            action={
              !readOnly && (
                <Button
                  variant="primary"
                  onClick={() => draft.edit(owner, team === undefined ? STARTER_POLICY : TEAM_START)}
                >
                  {team === undefined ? 'Start from the starter policy' : 'Write one'}
                </Button>
              )
            }
          >
            <p>
              {team === undefined
                ? 'Without a policy devices deny everything that AI agents ask for.'
                : 'The global policy alone applies to its devices.'}
            </p>
          </EmptyState>
        ) : (
          <PolicyEditor
            key={owner}
            label={label}
            language={POLICY_LANGUAGE[team === undefined ? 'global' : 'team']}
            source={source}
            readOnly={readOnly}
            onChange={(text) => draft.edit(owner, text)}
          />
        )}
      </div>
      <EditAside draft={draft} owner={owner} />
    </div>
  );
}
