'use client';

import type { LedgerEntryView } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { FileSearch, ShieldCheck } from 'lucide-react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { DataTable } from '@/components/table/data-table.tsx';
import { NewRows } from '@/components/table/new-rows.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Tabs } from '@/components/ui/tabs.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { usePages } from '@/lib/api/use-pages.ts';
import { formatCount, plural } from '@/lib/format/format.ts';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { CheckpointsTab } from './checkpoints-tab.tsx';
import { CorruptedBanner } from './corrupted-banner.tsx';
import { EntryPanel } from './entry-panel.tsx';
import { IntegrityStrip } from './integrity-strip.tsx';
import { LEDGER_COLUMNS } from './ledger-columns.tsx';
import { OfflineTab } from './offline-tab.tsx';
import { useVerification } from './use-verification.ts';
import { VerifyBand } from './verify-band.tsx';

const TABS = [
  { value: 'entries', label: 'Entries' },
  { value: 'checkpoints', label: 'Checkpoints' },
  { value: 'offline', label: 'Verify offline' },
] as const;
const STATUS_EVERY_MS = 5_000;

/** The record as a whole: whether it is intact, what is in it, and how to prove it. */
export function LedgerPage() {
  const url = useUrlState();
  const tab = oneOf(url.get('tab'), ['entries', 'checkpoints', 'offline']) ?? 'entries';
  const open = url.get('open');
  const index = /^\d{1,15}$/.test(open) ? Number(open) : undefined;
  const status = useQuery({ queryKey: keys.ledger, queryFn: api.ledger, refetchInterval: STATUS_EVERY_MS });
  const entries = useLedgerEntries();
  const verification = useVerification();
  const waiting = entries.isPending ? 0 : (status.data?.size ?? 0) - 1 - (entries.rows[0]?.index ?? -1);
  const show = (entry: number): void => url.set({ tab: null, open: String(entry) });
  return (
    <>
      <PageHeader
        title="Ledger"
        description="Everything that devices recorded and people did here, in one log that only grows. Verify it yourself."
        actions={
          <>
            <AuditButton />
            <Button
              variant="primary"
              disabled={verification.run.isPending}
              onClick={() => verification.run.mutate()}
            >
              <ShieldCheck /> Verify in this browser
            </Button>
          </>
        }
      >
        <IntegrityStrip status={status.data} />
      </PageHeader>
      {status.error !== null && status.data === undefined && (
        <ErrorState
          what="The state of the record could not be fetched."
          error={status.error}
          retry={() => void status.refetch()}
        />
      )}
      {status.data?.faults != null && <CorruptedBanner faults={status.data.faults} onShow={show} />}
      <VerifyBand verification={verification} onShow={show} />
      <div className="room-for-rows flex flex-1 border-t">
        <div className="flex min-w-0 flex-1 flex-col">
          <Tabs
            value={tab}
            label="Parts of the ledger"
            tabs={[...TABS]}
            onChange={(next) => url.set({ tab: next === 'entries' ? null : next })}
            aside={
              <NewRows
                label={tab === 'entries' && waiting > 0 ? `${formatCount(waiting)} new` : undefined}
                onShow={() => void entries.refetch()}
              />
            }
          >
            {tab === 'entries' && <EntriesTab entries={entries} open={open} onOpen={show} />}
            {tab === 'checkpoints' && <CheckpointsTab />}
            {tab === 'offline' && <OfflineTab status={status.data} />}
          </Tabs>
        </div>
        {index !== undefined && (
          <EntryPanel
            key={index}
            index={index}
            status={status.data}
            onClose={() => url.set({ open: null })}
          />
        )}
      </div>
    </>
  );
}

/** Newest first. */
function useLedgerEntries() {
  return usePages<LedgerEntryView>(keys.ledgerEntries, async (cursor) => {
    const { items, next } = await api.ledgerEntries({ before: cursor, limit: 200 });
    return { items, next: next === null ? null : String(next) };
  });
}

interface EntriesTabProps {
  entries: ReturnType<typeof useLedgerEntries>;
  open: string;
  onOpen: (index: number) => void;
}

function EntriesTab({ entries, open, onOpen }: EntriesTabProps) {
  if (entries.error !== null && entries.data === undefined) {
    return (
      <ErrorState
        what="The entries could not be fetched."
        error={entries.error}
        retry={() => void entries.refetch()}
      />
    );
  }
  return (
    <DataTable
      label="Ledger entries"
      columns={LEDGER_COLUMNS}
      rows={entries.rows}
      rowId={({ index }) => String(index)}
      rowLabel={({ index }) => `Entry ${index}`}
      selectedId={open}
      onOpen={({ index }) => onOpen(index)}
      loading={entries.isPending}
      onNearEnd={entries.more}
      empty={
        <EmptyState title="The record is empty">
          <p>The first event of a device or the first action of a person appears here within a second.</p>
        </EmptyState>
      }
    />
  );
}

/** Has the control plane look at everything that it stores. */
function AuditButton() {
  const client = useQueryClient();
  const toast = useToast();
  const audit = useMutation({
    mutationFn: api.auditLedger,
    onSuccess: ({ state, entries, faults }) => {
      if (state === 'OK')
        toast.done('The record is intact', `${plural(entries, 'entry', 'entries')} looked at.`);
      else toast.failed('The record is corrupted', plural(faults?.count ?? 0, 'fault'));
      void client.invalidateQueries({ queryKey: keys.ledger });
    },
    onError: (failure) => toast.failed('The audit did not finish', failure.message),
  });
  return (
    <GuardedButton needs="ledger:audit" disabled={audit.isPending} onClick={() => audit.mutate()}>
      <FileSearch /> {audit.isPending ? 'Auditing…' : 'Audit the database'}
    </GuardedButton>
  );
}
