'use client';

import type { EventView } from '@raypher/shared/rest';
import { Pause, Play } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { Command } from '@/components/copy.tsx';
import { MisreadFilters } from '@/components/misread-filters.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { useAnnounce } from '@/components/shell/announcer.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { DataTable } from '@/components/table/data-table.tsx';
import { NewRows } from '@/components/table/new-rows.tsx';
import { Button } from '@/components/ui/button.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { usePages } from '@/lib/api/use-pages.ts';
import { formatCount, plural } from '@/lib/format/format.ts';
import { actionWords, targetWords } from '@/lib/record-words.ts';
import { useUrlState } from '@/lib/use-url-state.ts';
import { EVENT_COLUMNS } from './event-columns.tsx';
import { misreadFilters, readFilter } from './event-filter.ts';
import { EventFilters } from './event-filters.tsx';
import { EventPanel } from './event-panel.tsx';
import { waiting } from './held-list.ts';
import { eventId, useLiveEvents } from './use-live-events.ts';

/** What happens on all devices, as it happens; nothing moves while somebody reads. */
export function EventsPage() {
  const url = useUrlState();
  const filter = readFilter(url.get);
  const misread = misreadFilters(url.get);
  const paused = url.get('live') === 'paused';
  const open = url.get('open');
  const [atTop, setAtTop] = useState(true);
  const { search, device, agent, provider, model, type, outcome, severity, from, to } = filter;
  const query = { search, device, agent, provider, model, type, outcome, severity, from, to };
  const fetched = usePages<EventView>(
    keys.events(query),
    (cursor) => api.events({ ...query, cursor, limit: 200 }),
    // A list that is being read never jumps because its window came to the front.
    { refetchOnWindowFocus: false },
  );
  // A page that ends in the past has nothing live to show.
  const reading = paused || !atTop || open !== '';
  const { list, missed, showHeld, caughtUp } = useLiveEvents(filter, fetched.data?.pages[0], reading);

  const rows = useMemo(() => {
    const above = new Set(list.shown.map(eventId));
    return [...list.shown, ...fetched.rows.filter((event) => !above.has(eventId(event)))];
  }, [list.shown, fetched.rows]);
  const count = waiting(list);
  // Nothing is held back from somebody who is not reading, not even after a break of the connection.
  const { refetch } = fetched;
  const catchUp = !reading && (missed || list.skipped > 0);
  useEffect(() => {
    if (catchUp) void refetch({ cancelRefetch: false }).then(caughtUp);
  }, [catchUp, refetch, caughtUp]);
  const announce = useAnnounce();
  useEffect(() => {
    if (count > 0) announce(`${plural(count, 'new event')} held back`);
  }, [announce, count]);

  const showNew = (): void => {
    if (list.skipped > 0 || missed) void refetch().then(caughtUp);
    else showHeld();
    url.set({ live: null });
  };
  const filtered = Object.values(query).some((value) => value !== '' && value !== undefined);

  return (
    <>
      <PageHeader
        title="Events"
        description="Every entry of every device's ledger, newest first."
        actions={
          <>
            <NewRows
              label={
                reading && missed
                  ? 'New events'
                  : reading && count > 0
                    ? `${formatCount(count)} new`
                    : undefined
              }
              onShow={showNew}
            />
            <Button aria-pressed={paused} onClick={() => (paused ? showNew() : url.set({ live: 'paused' }))}>
              {paused ? <Play /> : <Pause />} {paused ? 'Resume' : 'Pause'}
            </Button>
          </>
        }
      />
      <EventFilters filter={filter} set={url.set} />
      {misread.length > 0 ? (
        <MisreadFilters filters={misread} set={url.set} />
      ) : fetched.error !== null && fetched.data === undefined ? (
        <ErrorState
          what="The events could not be fetched."
          error={fetched.error}
          retry={() => void fetched.refetch()}
        />
      ) : (
        <div className="room-for-rows flex flex-1">
          <div className="flex min-w-0 flex-1">
            <DataTable
              label="Events"
              columns={EVENT_COLUMNS}
              rows={rows}
              rowId={eventId}
              rowLabel={(event) =>
                `${event.actor.name} ${actionWords(event.action)} ${targetWords(event.type, event.target)}`
              }
              selectedId={open}
              onOpen={(event) => url.set({ open: eventId(event) })}
              loading={fetched.isPending}
              onNearEnd={fetched.more}
              onAtTop={setAtTop}
              empty={
                filtered ? (
                  <EmptyState
                    title="No event matches"
                    action={<Button onClick={() => url.set(CLEARED)}>Clear filters</Button>}
                  >
                    <p>New ones that match appear here by themselves.</p>
                  </EmptyState>
                ) : (
                  <EmptyState title="No event yet">
                    <p>
                      Send something through the proxy of an enrolled device (port 8888 unless it was moved);
                      the verdict appears here at once.
                    </p>
                    <Command text="curl http://127.0.0.1:8888/v1/models" label="Copy the command" />
                  </EmptyState>
                )
              }
            />
          </div>
          {open !== '' && <EventPanel key={open} id={open} onClose={() => url.set({ open: null })} />}
        </div>
      )}
    </>
  );
}

const CLEARED = {
  q: null,
  device: null,
  agent: null,
  provider: null,
  model: null,
  type: null,
  outcome: null,
  severity: null,
  from: null,
  to: null,
};
