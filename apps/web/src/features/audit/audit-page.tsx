'use client';

import type { AuditEntry } from '@raypher/shared/rest';
import { MissingPanel } from '@/components/missing-panel.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { type Column, DataTable } from '@/components/table/data-table.tsx';
import { Time } from '@/components/time.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { usePages } from '@/lib/api/use-pages.ts';
import { recordWords } from '@/lib/record-words.ts';
import { useUrlState } from '@/lib/use-url-state.ts';
import { AuditPanel } from './audit-panel.tsx';

const COLUMNS: Column<AuditEntry>[] = [
  {
    id: 'at',
    header: 'When',
    width: '88px',
    cell: (entry) => (
      <span className="text-ink-2">
        <Time at={entry.at} />
      </span>
    ),
  },
  {
    id: 'actor',
    header: 'Who',
    width: 'minmax(96px, 1fr)',
    cell: (entry) => <span className="font-medium">{entry.actor.name}</span>,
  },
  {
    id: 'action',
    header: 'What',
    width: 'minmax(128px, 1fr)',
    cell: (entry) => <span title={entry.action}>{recordWords(entry.action)}</span>,
  },
  {
    id: 'target',
    header: 'To what',
    width: 'minmax(96px, 1.5fr)',
    from: 560,
    cell: (entry) => entry.target,
  },
  {
    id: 'reason',
    header: 'Why',
    width: 'minmax(120px, 2fr)',
    from: 760,
    cell: (entry) => <span className="text-ink-2">{entry.reason}</span>,
  },
  {
    id: 'address',
    header: 'From',
    width: '120px',
    from: 940,
    cell: (entry) => <span className="text-ink-3">{entry.address}</span>,
  },
];

/** What people and API tokens changed, with before and after. */
export function AuditPage() {
  const url = useUrlState();
  const open = url.get('open');
  const entries = usePages<AuditEntry>(keys.audit({}), (cursor) => api.audit({ cursor, limit: 200 }));
  const opened = entries.rows.find((entry) => entry.id === open);
  return (
    <>
      <PageHeader
        title="Audit"
        description="Every change by a person, an API token or an enrolment: who, what, why, before and after. Append-only."
      />
      {entries.error !== null && entries.data === undefined ? (
        <ErrorState
          what="The audit could not be fetched."
          error={entries.error}
          retry={() => void entries.refetch()}
        />
      ) : (
        <div className="room-for-rows flex flex-1 border-t">
          <DataTable
            label="Audit"
            columns={COLUMNS}
            rows={entries.rows}
            rowId={(entry) => entry.id}
            rowLabel={(entry) => `${entry.actor.name}: ${recordWords(entry.action)}, ${entry.target}`}
            selectedId={open}
            onOpen={(entry) => url.set({ open: entry.id })}
            loading={entries.isPending}
            total={entries.total}
            onNearEnd={entries.more}
            empty={
              <EmptyState title="Nobody has changed anything yet">
                <p>The first deploy, freeze or new token appears here with its reason.</p>
              </EmptyState>
            }
          />
          {open !== '' && opened === undefined && entries.isSuccess && (
            <MissingPanel title="Audit entry" onClose={() => url.set({ open: null })} />
          )}
          {opened !== undefined && (
            <AuditPanel key={open} entry={opened} onClose={() => url.set({ open: null })} />
          )}
        </div>
      )}
    </>
  );
}
