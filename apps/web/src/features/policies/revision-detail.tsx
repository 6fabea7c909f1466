'use client';

import type { PolicyRevision, Rollout } from '@raypher/shared/rest';
import { History, Pencil } from 'lucide-react';
import { ShortId } from '@/components/copy.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Facts } from '@/components/page-header.tsx';
import { Time } from '@/components/time.tsx';
import { RolloutProgress } from '@/components/wide/rollout-progress.tsx';
import { plural } from '@/lib/format/format.ts';
import { changedOwners, type Draft, GLOBAL, toDraft } from './draft.ts';
import { PolicyDiff } from './policy-diff.tsx';
import { stageText } from './stage-text.ts';

interface RevisionDetailProps {
  revision: PolicyRevision;
  rollout: Rollout | undefined;
  /** The running documents, to compare with. */
  running: Draft;
  onRollback: () => void;
  onEdit: (documents: Draft, tests: Draft) => void;
}

export function RevisionDetail({ revision, rollout, running, onRollback, onEdit }: RevisionDetailProps) {
  const documents = toDraft(revision.documents);
  const changed = changedOwners(documents, running);
  return (
    <div className="border-r border-b max-md:border-l md:mb-4 md:min-h-0 md:overflow-y-auto md:rounded-br-lg">
      <div className="flex flex-wrap items-center gap-2 border-b bg-surface px-4 py-2.5">
        <h2 className="flex-1 text-base font-semibold">Revision {revision.revision}</h2>
        <GuardedButton
          needs="policies:deploy"
          size="sm"
          onClick={() => onEdit(documents, toDraft(revision.tests))}
        >
          <Pencil /> Edit from here
        </GuardedButton>
        <GuardedButton
          needs="policies:deploy"
          size="sm"
          blockedBecause={revision.running ? 'This revision is running.' : undefined}
          onClick={onRollback}
        >
          <History /> Roll back to this
        </GuardedButton>
      </div>
      <div className="border-b bg-surface">
        <Facts
          items={[
            { name: 'Reason', value: revision.reason },
            {
              name: 'Deployed',
              value: (
                <>
                  {revision.createdBy}, <Time at={revision.createdAt} as="full" />
                </>
              ),
            },
            ...(revision.source === null
              ? []
              : [
                  {
                    name: 'Source',
                    value: `commit ${revision.source.commit.slice(0, 12)} of ${revision.source.repository}`,
                  },
                ]),
            ...(revision.stage === null
              ? []
              : [{ name: 'Stage', value: `${stageText(revision.stage)} first` }]),
            ...(revision.tests.length === 0
              ? []
              : [{ name: 'Tests', value: plural(revision.tests.length, 'document') }]),
            ...(revision.rolledBackTo === null
              ? []
              : [{ name: 'Rollback', value: `to the documents of revision ${revision.rolledBackTo}` }]),
            {
              name: 'Digest',
              value: <ShortId id={revision.digest} label="digest of the signed bundle" length={16} />,
            },
          ]}
        />
      </div>
      {rollout !== undefined && (
        <div className="border-b bg-surface px-4 py-3">
          <RolloutProgress initial={rollout} />
        </div>
      )}
      {revision.documents.map((document) => {
        const owner = document.layer === 'team' ? (document.team ?? '') : GLOBAL;
        const differs = changed.includes(owner);
        return (
          <section
            key={owner}
            aria-label={owner === GLOBAL ? 'Global document' : 'Team document'}
            className="bg-surface"
          >
            <h3 className="border-b px-4 py-2 text-xs text-ink-3">
              {owner === GLOBAL ? 'Global' : `Team ${owner}`}
              {!revision.running &&
                (differs ? ': this revision, then what runs now' : ': the same as what runs now')}
            </h3>
            {differs ? (
              <PolicyDiff
                label={`Revision ${revision.revision} and the running one`}
                before={document.source}
                after={running[owner] ?? ''}
              />
            ) : (
              <pre className="border-b px-4 py-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
                {document.source}
              </pre>
            )}
          </section>
        );
      })}
    </div>
  );
}
