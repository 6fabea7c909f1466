'use client';

import type { TpmRoot } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { Choice, SearchBox } from '@/components/filter-bar.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount } from '@/lib/format/format.ts';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { AddRootDialog } from './add-root-dialog.tsx';
import { matchingRoots, ROOT_FILTERS } from './matching-roots.ts';
import { TpmRootsTable } from './tpm-roots-table.tsx';
import { TrustRootDialog } from './trust-root-dialog.tsx';

/** The certificates that a TPM's own has to lead to before its device counts as hardware or as virtual. */
export function TpmRoots() {
  const url = useUrlState();
  const search = url.get('root');
  const show = oneOf(url.get('roots'), ROOT_FILTERS);
  const { data, error, refetch } = useQuery({ queryKey: keys.tpmRoots, queryFn: api.tpmRoots });
  const [adding, setAdding] = useState(false);
  const [deciding, setDeciding] = useState<TpmRoot | null>(null);
  const roots = data === undefined ? [] : matchingRoots(data.items, search, show);
  return (
    <Section
      title="Pinned TPM roots"
      id="tpm-roots"
      aside={
        data !== undefined && (
          <span>
            {formatCount(data.items.filter(({ trusted }) => trusted).length)} of{' '}
            {formatCount(data.items.length)} trusted
          </span>
        )
      }
    >
      <div className="flex flex-wrap items-center gap-2 border-b px-4 py-3">
        <SearchBox label="Search roots" value={search} onChange={(root) => url.set({ root })} />
        <Choice
          label="Which roots"
          value={show ?? ''}
          options={[
            { value: '' as const, label: 'All' },
            { value: 'in-use', label: 'In use' },
            { value: 'own', label: 'Own' },
            { value: 'distrusted', label: 'Distrusted' },
          ]}
          onChange={(roots) => url.set({ roots })}
        />
        <GuardedButton needs="settings:manage" className="ml-auto" onClick={() => setAdding(true)}>
          <Plus /> Add root
        </GuardedButton>
      </div>
      {error !== null && data === undefined ? (
        <ErrorState what="The roots could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={8} />
      ) : roots.length === 0 ? (
        <EmptyState
          title="No root matches"
          action={<Button onClick={() => url.set({ root: null, roots: null })}>Show all</Button>}
        />
      ) : (
        <TpmRootsTable roots={roots} onDecide={setDeciding} />
      )}
      {adding && <AddRootDialog onClose={() => setAdding(false)} />}
      {deciding !== null && <TrustRootDialog root={deciding} onClose={() => setDeciding(null)} />}
    </Section>
  );
}
