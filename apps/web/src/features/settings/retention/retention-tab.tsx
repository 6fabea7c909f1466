'use client';

import { useQuery } from '@tanstack/react-query';
import { Scale, Timer } from 'lucide-react';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Facts, Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { plural } from '@/lib/format/format.ts';
import { archiveFacts } from './archive-facts.ts';
import { LegalHoldDialog } from './legal-hold-dialog.tsx';
import { RecordRetentionDialog } from './record-retention-dialog.tsx';

/** Where the record is kept and how long, its archive, and legal holds. */
export function RetentionTab() {
  const [changing, setChanging] = useState(false);
  const [hold, setHold] = useState<{ lifts: string | undefined }>();
  const { data, error, refetch } = useQuery({
    queryKey: keys.recordRetention,
    queryFn: api.recordRetention,
  });
  const archive = useQuery({ queryKey: keys.archive, queryFn: api.archive });
  if (error !== null && data === undefined) {
    return (
      <ErrorState what="The settings could not be fetched." error={error} retry={() => void refetch()} />
    );
  }
  if (data === undefined) return <SkeletonRows rows={4} />;
  const { archivedOnly, holds } = data;
  return (
    <div className="grid gap-6">
      <Section
        title="The record"
        aside={
          <GuardedButton needs="settings:manage" onClick={() => setChanging(true)}>
            <Timer /> Change
          </GuardedButton>
        }
      >
        <Facts
          items={[
            { name: 'In the database', value: `${plural(data.hotDays, 'day')} at least, once archived` },
            { name: 'Archive locked for', value: plural(data.archiveYears, 'year') },
            {
              name: 'In the archive alone',
              value: `${plural(archivedOnly.events, 'event')} of ${plural(archivedOnly.days, 'day')}`,
            },
            ...archiveFacts(archive.data),
          ]}
        />
      </Section>
      <Section
        title="Legal holds"
        aside={
          <GuardedButton needs="settings:manage" onClick={() => setHold({ lifts: undefined })}>
            <Scale /> Place a hold
          </GuardedButton>
        }
      >
        {holds.length === 0 ? (
          <EmptyState title="No legal hold">
            <p>Under a legal hold nothing is erased: no event, no masked sample, nothing of the archive.</p>
          </EmptyState>
        ) : (
          <ul className="grid gap-3">
            {holds.map(({ id, reason, placedAt, placedBy, liftedAt, liftedBy }) => (
              <li
                key={id}
                className="flex flex-wrap items-center gap-3 rounded-lg border px-3 py-2.5 text-sm"
              >
                <span className="grow">
                  {reason}
                  <span className="block text-xs text-ink-3">
                    {placedBy}, <Time at={placedAt} as="full" />
                    {liftedAt !== null && (
                      <>
                        {' '}
                        · lifted by {liftedBy}, <Time at={liftedAt} as="full" />
                      </>
                    )}
                  </span>
                </span>
                {liftedAt === null && (
                  <GuardedButton needs="settings:manage" onClick={() => setHold({ lifts: id })}>
                    Lift
                  </GuardedButton>
                )}
              </li>
            ))}
          </ul>
        )}
      </Section>
      {changing && <RecordRetentionDialog current={data} onClose={() => setChanging(false)} />}
      {hold !== undefined && <LegalHoldDialog lifts={hold.lifts} onClose={() => setHold(undefined)} />}
    </div>
  );
}
