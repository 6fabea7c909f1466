// biome-ignore-all lint/a11y/noStaticElementInteractions: where the pointer rests is only noticed, nothing is operated by it
'use client';

import { Pause, Play } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Command } from '@/components/copy.tsx';
import { MisreadFilters } from '@/components/misread-filters.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { useAnnounce } from '@/components/shell/announcer.tsx';
import { EmptyState } from '@/components/states.tsx';
import { DataTable } from '@/components/table/data-table.tsx';
import { NewRows } from '@/components/table/new-rows.tsx';
import { Button } from '@/components/ui/button.tsx';
import { formatCount, plural } from '@/lib/format/format.ts';
import { describeConnection } from '@/lib/live/connection-state.ts';
import { useConnection } from '@/lib/live/live-provider.tsx';
import { useMe } from '@/lib/me/me-provider.tsx';
import { useNow } from '@/lib/use-now.ts';
import { useUrlState } from '@/lib/use-url-state.ts';
import { callerName, connectionColumns, targetName } from './connection-columns.tsx';
import { isFiltered, matches, misreadFilters, readFilter, sorted } from './connection-filter.ts';
import { ConnectionFilters } from './connection-filters.tsx';
import type { ShownConnection } from './connection-list.ts';
import { ConnectionPanel } from './connection-panel.tsx';
import { TotalsStrip } from './totals-strip.tsx';
import { useConnections } from './use-connections.ts';

/** What AI agents are connected to right now; nothing moves under the pointer. */
export function WatchtowerPage() {
  const url = useUrlState();
  const filter = readFilter(url.get);
  const misread = misreadFilters(url.get);
  const paused = url.get('live') === 'paused';
  const open = url.get('open');
  const [atTop, setAtTop] = useState(true);
  const [hovered, setHovered] = useState(false);
  const [focused, setFocused] = useState(false);
  const reading = paused || !atTop || hovered || focused || open !== '';
  const { list, showHeld } = useConnections(filter.device, filter.agent, reading);
  const showsPreviews = useMe().permissions.includes('connections:preview');
  const columns = useMemo(() => connectionColumns(showsPreviews), [showsPreviews]);

  const rows = list.shown.filter((row) => matches(row, filter));
  const ordered = useStableOrder(sorted(rows, filter.sort), reading);
  const news = list.held.filter((row) => matches(row, filter)).length;
  const announce = useAnnounce();
  useEffect(() => {
    if (news > 0) announce(`${plural(news, 'new connection')} held back`);
  }, [announce, news]);
  const known = list.shown.find(({ key }) => key === open);
  const selected = useLast(known, open);

  const showNew = (): void => {
    showHeld();
    url.set({ live: null });
  };
  return (
    <>
      <PageHeader
        title="Watchtower"
        description="What AI agents are connected to right now. What is said is masked on the device and stored nowhere."
        actions={
          <>
            <NewRows label={news > 0 && reading ? `${formatCount(news)} new` : undefined} onShow={showNew} />
            <Button aria-pressed={paused} onClick={() => (paused ? showNew() : url.set({ live: 'paused' }))}>
              {paused ? <Play /> : <Pause />} {paused ? 'Resume' : 'Pause'}
            </Button>
          </>
        }
      />
      <ConnectionFilters filter={filter} set={url.set} />
      <StaleBar heardAt={list.heardAt} />
      <TotalsStrip list={list} />
      {misread.length > 0 ? (
        <MisreadFilters filters={misread} set={url.set} />
      ) : (
        <div className="room-for-rows flex flex-1">
          <div
            className="flex min-w-0 flex-1"
            onPointerEnter={(event) => setHovered(event.pointerType === 'mouse')}
            onPointerLeave={() => setHovered(false)}
            onFocus={(event) => setFocused(event.target.matches('[data-row]:focus-visible'))}
            onBlur={() => setFocused(false)}
          >
            <DataTable
              label="Live connections"
              columns={columns}
              rows={ordered}
              rowId={({ key }) => key}
              rowLabel={(row) => `${callerName(row)} to ${targetName(row)}`}
              rowClass={({ endedAt }) => (endedAt === undefined ? undefined : 'text-ink-3')}
              selectedId={open}
              onOpen={({ key }) => url.set({ open: key })}
              loading={list.since === undefined}
              onAtTop={setAtTop}
              empty={
                isFiltered(filter) ? (
                  <EmptyState
                    title="No live connection matches"
                    action={<Button onClick={() => url.set(CLEARED)}>Clear filters</Button>}
                  >
                    <p>New ones that match appear here by themselves.</p>
                  </EmptyState>
                ) : (
                  <EmptyState title="Nothing is connected right now">
                    <p>
                      Start an AI agent under Raypher on an enrolled device; each of its calls is here while
                      it lasts, with what it costs, and can be cut.
                    </p>
                    <Command text="raypher run -- python agent.py" label="Copy the command" />
                  </EmptyState>
                )
              }
            />
          </div>
          {selected !== undefined && (
            <ConnectionPanel
              key={open}
              row={selected}
              isTold={known !== undefined}
              onClose={() => url.set({ open: null })}
            />
          )}
        </div>
      )}
    </>
  );
}

/** Data that nothing renews says how old it is. */
function StaleBar({ heardAt }: { heardAt: number }) {
  const connection = useConnection();
  const now = useNow();
  if (connection.kind === 'connected' || heardAt === 0 || now === 0) return null;
  const { sentence } = describeConnection(connection, now);
  return (
    <p role="status" className="shrink-0 border-b bg-prompted-soft px-4 py-2 text-prompted lg:px-6">
      {sentence} Last heard {plural(Math.max(0, Math.round((now - heardAt) / 1_000)), 'second')} ago.
    </p>
  );
}

/** While somebody reads, rows keep the places that they had. */
function useStableOrder(rows: ShownConnection[], reading: boolean): ShownConnection[] {
  const order = useRef<string[]>([]);
  let stable = rows;
  if (reading) {
    const places = new Map(order.current.map((key, index) => [key, index]));
    const placeOf = ({ key }: ShownConnection) => places.get(key) ?? -1;
    stable = rows.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
  useEffect(() => {
    order.current = stable.map(({ key }) => key);
  });
  return stable;
}

/** The open one, as it was last when nobody tells of it any more. */
function useLast(row: ShownConnection | undefined, key: string): ShownConnection | undefined {
  const last = useRef(row);
  useEffect(() => {
    if (row !== undefined) last.current = row;
  });
  return row ?? (last.current?.key === key ? last.current : undefined);
}

const CLEARED = { q: null, device: null, agent: null, provider: null, outcome: null };
