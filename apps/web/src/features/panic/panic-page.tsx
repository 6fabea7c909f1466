'use client';

import { useQuery } from '@tanstack/react-query';
import { Snowflake } from 'lucide-react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { PageHeader, Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { ActiveFreeze } from './active-freeze.tsx';
import { FreezeDialog } from './freeze-dialog.tsx';
import { FreezeHistory } from './freeze-history.tsx';
import { SELECTOR_KINDS } from './selector-draft.ts';

/** Stop AI agents now, keep their memory, let them go on later. */
export function PanicPage() {
  const url = useUrlState();
  const kind = oneOf(
    url.get('new'),
    SELECTOR_KINDS.map((option) => option.kind),
  );
  const freezes = useQuery({ queryKey: keys.freezes, queryFn: () => api.freezes() });
  const active = freezes.data?.items.filter((freeze) => freeze.thawedAt === null);
  const past = freezes.data?.items.filter((freeze) => freeze.thawedAt !== null);
  return (
    <>
      <PageHeader
        title="Panic Center"
        description="A freeze suspends AI agents in memory within seconds; nothing is lost, and a thaw lets them go on. New ones that match are frozen too."
        actions={
          <GuardedButton
            needs="freezes:manage"
            variant="freeze"
            size="lg"
            onClick={() => url.set({ new: 'all', value: null })}
          >
            <Snowflake /> Global Freeze
          </GuardedButton>
        }
      />
      {freezes.error !== null && freezes.data === undefined ? (
        <ErrorState
          what="The freezes could not be fetched. What is frozen stays frozen."
          error={freezes.error}
          retry={() => void freezes.refetch()}
        />
      ) : (
        <div className="grid gap-4 px-4 pb-8 lg:px-6">
          <Section title="Active freezes" aside={active !== undefined && <span>{active.length} active</span>}>
            {active === undefined ? (
              <SkeletonRows rows={4} />
            ) : active.length === 0 ? (
              <EmptyState title="Nothing is frozen">
                <p>
                  All AI agents run under the deployed policy. Start narrow when you can: one library, one
                  executable, one team.
                </p>
                <div className="flex flex-wrap justify-center gap-2">
                  {SELECTOR_KINDS.filter((option) => option.kind !== 'all').map((option) => (
                    <GuardedButton
                      key={option.kind}
                      needs="freezes:manage"
                      size="sm"
                      title={option.meaning}
                      onClick={() => url.set({ new: option.kind, value: null })}
                    >
                      Freeze by {option.label.toLowerCase()}
                    </GuardedButton>
                  ))}
                </div>
              </EmptyState>
            ) : (
              <ul className="divide-y">
                {active.map((freeze) => (
                  <ActiveFreeze key={freeze.id} freeze={freeze} />
                ))}
              </ul>
            )}
          </Section>
          <FreezeHistory freezes={past} />
        </div>
      )}
      {kind !== undefined && (
        <FreezeDialog
          kind={kind}
          value={url.get('value')}
          onClose={() => url.set({ new: null, value: null })}
          onKind={(next) => url.set({ new: next, value: null })}
        />
      )}
    </>
  );
}
