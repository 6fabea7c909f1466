'use client';

import type { Incident } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ChartColumn, Pause, Play } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useMemo, useState } from 'react';
import { Command } from '@/components/copy.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { MisreadFilters } from '@/components/misread-filters.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { useAnnounce } from '@/components/shell/announcer.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { DataTable } from '@/components/table/data-table.tsx';
import { NewRows } from '@/components/table/new-rows.tsx';
import { Button } from '@/components/ui/button.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount, plural } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { useNarrow } from '@/lib/use-narrow.ts';
import { useUrlState } from '@/lib/use-url-state.ts';
import { incidentColumns } from './incident-columns.tsx';
import { isFiltered, misreadFilters, queryOf, readFilter } from './incident-filter.ts';
import { IncidentFilters } from './incident-filters.tsx';
import { IncidentPanel } from './incident-panel.tsx';
import { refreshIncidents } from './refresh.ts';
import { RetentionButton } from './retention-button.tsx';
import { TrendBand } from './trend-band.tsx';
import { useIncidentList } from './use-incident-list.ts';

/** Nothing else is changed by it: left out, both defaults are `block`. */
const RULE = `dlp:
  default: allow
  on_unscannable: allow
  rules:
    - id: look-at-payment-data
      effect: alert
      classes: [payment]`;
const TRY_IT = `curl http://127.0.0.1:8888/openai/v1/chat/completions -H 'content-type: application/json' \\
  -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"card 4242 4242 4242 4242"}]}'`;

/** Sensitive data in messages of AI agents; nothing moves while somebody reads. */
export function IncidentsPage() {
  const url = useUrlState();
  const me = useMe();
  const narrow = useNarrow();
  const filter = readFilter(url.get);
  const misread = misreadFilters(url.get);
  const query = queryOf(filter);
  const open = url.get('open');
  const paused = url.get('live') === 'paused';
  const [atTop, setAtTop] = useState(true);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const reading = paused || !atTop || open !== '' || chosen.size > 0;
  const list = useIncidentList(query, reading);
  const showsTrend = url.get('trend') === '' ? !narrow : url.get('trend') === 'shown';
  const { status: _, ...trendQuery } = query;
  const trend = useQuery({
    queryKey: keys.incidentTrend(trendQuery),
    queryFn: () => api.incidentTrend(trendQuery),
    enabled: showsTrend,
    placeholderData: (before) => before,
  });
  const announce = useAnnounce();
  useEffect(() => {
    if (list.waiting > 0) announce(`${plural(list.waiting, 'new incident')} held back`);
  }, [announce, list.waiting]);
  const mayManage = me.permissions.includes('incidents:manage');
  const columns = useMemo(
    () =>
      incidentColumns(mayManage ? chosen : undefined, (id, isChosen) =>
        setChosen((before) => {
          const after = new Set(before);
          if (isChosen) after.add(id);
          else after.delete(id);
          return after;
        }),
      ),
    [chosen, mayManage],
  );
  return (
    <>
      <PageHeader
        title="Incidents"
        description="Sensitive data in messages of AI agents: what, where to, and what was done about it."
        actions={
          <>
            <NewRows
              label={list.waiting > 0 && reading ? `${formatCount(list.waiting)} new` : undefined}
              onShow={list.showNew}
            />
            {chosen.size > 0 && <AcknowledgeButton ids={[...chosen]} onDone={() => setChosen(new Set())} />}
            <RetentionButton />
            <Button
              aria-pressed={showsTrend}
              onClick={() => url.set({ trend: showsTrend ? 'hidden' : 'shown' })}
            >
              <ChartColumn /> Trend
            </Button>
            <Button
              aria-pressed={paused}
              onClick={() => {
                if (paused) list.showNew();
                url.set({ live: paused ? null : 'paused' });
              }}
            >
              {paused ? <Play /> : <Pause />} {paused ? 'Resume' : 'Pause'}
            </Button>
          </>
        }
      />
      <IncidentFilters filter={filter} set={url.set} />
      {showsTrend && misread.length === 0 && trend.error === null && (
        <TrendBand trend={trend.data} set={url.set} />
      )}
      {misread.length > 0 ? (
        <MisreadFilters filters={misread} set={url.set} />
      ) : list.error !== null && list.data === undefined ? (
        <ErrorState
          what="The incidents could not be fetched."
          error={list.error}
          retry={() => void list.refetch()}
        />
      ) : (
        <div className="room-for-rows flex flex-1">
          <div className="flex min-w-0 flex-1">
            <DataTable
              label="Incidents"
              columns={columns}
              rows={list.rows}
              rowId={(incident) => incident.id}
              rowLabel={nameOf}
              selectedId={open}
              onOpen={(incident) => url.set({ open: incident.id })}
              loading={list.isPending}
              onNearEnd={list.more}
              onAtTop={setAtTop}
              empty={
                isFiltered(filter) ? (
                  <EmptyState
                    title="No incident matches"
                    action={<Button onClick={() => url.set(CLEARED)}>Clear filters</Button>}
                  >
                    <p>New ones that match appear here by themselves.</p>
                  </EmptyState>
                ) : (
                  <EmptyState title="No open incident">
                    <p>
                      When an AI agent sends or receives keys, card numbers or personal data through the proxy
                      of an enrolled device, it appears here with what was done about it. Messages are looked
                      through once the{' '}
                      <Link href="/policies" className="underline underline-offset-2">
                        policy
                      </Link>{' '}
                      has a rule about data, such as this one:
                    </p>
                    <Command text={RULE} label="Copy the rule" />
                    <p>Then try it with a card number that payment services publish for tests:</p>
                    <Command text={TRY_IT} label="Copy the command" />
                  </EmptyState>
                )
              }
            />
          </div>
          {open !== '' && <IncidentPanel key={open} id={open} onClose={() => url.set({ open: null })} />}
        </div>
      )}
    </>
  );
}

function AcknowledgeButton({ ids, onDone }: { ids: string[]; onDone: () => void }) {
  const client = useQueryClient();
  const toast = useToast();
  const acknowledge = useMutation({
    mutationFn: () => api.acknowledgeIncidents({ ids, note: '' }),
    onSuccess: ({ acknowledged }) => {
      toast.done(`${plural(acknowledged, 'incident')} acknowledged`);
      refreshIncidents(client);
      onDone();
    },
    onError: (error) => toast.failed('The incidents are as they were', error.message),
  });
  return (
    <GuardedButton
      variant="primary"
      needs="incidents:manage"
      disabled={acknowledge.isPending}
      onClick={() => acknowledge.mutate()}
    >
      Acknowledge {formatCount(ids.length)}
    </GuardedButton>
  );
}

function nameOf({ agent, classes, direction, host }: Incident): string {
  return `${agent.name} ${direction === 'out' ? 'sent' : 'received'} ${classes.join(', ')} ${direction === 'out' ? 'to' : 'from'} ${host}`;
}

const CLEARED = {
  status: null,
  class: null,
  outcome: null,
  severity: null,
  device: null,
  agent: null,
  host: null,
  from: null,
  to: null,
};
