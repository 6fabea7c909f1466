'use client';

import type { EventView } from '@raypher/shared/rest';
import { useCallback, useEffect, useState } from 'react';
import { useLive, useReconnect } from '@/lib/live/live-provider.tsx';
import type { EventFilter } from './event-filter.ts';
import { matchesFilter } from './event-filter.ts';
import { emptyList, type HeldList, receive, release } from './held-list.ts';

/** An event's name: device and sequence number. */
export function eventId(event: { deviceId: string; seq: number }): string {
  return `${event.deviceId}:${event.seq}`;
}

/**
 * Live rows for this filter, above what was fetched.
 *
 * @param newestPage the fetched page on top; another one starts the live rows anew. Older pages that are fetched
 *   while scrolling do not.
 */
export function useLiveEvents(filter: EventFilter, newestPage: unknown, reading: boolean) {
  const [list, setList] = useState<HeldList<EventView>>(emptyList);
  // True after a break of the connection: there may be rows that nobody delivered.
  const [missed, setMissed] = useState(false);
  const key = JSON.stringify(filter);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter or page is what starts the list anew
  useEffect(() => {
    setList(emptyList());
    setMissed(false);
  }, [key, newestPage]);
  useLive('events', ({ items, held }) => {
    const batch = items
      .filter((event) => matchesFilter(event, filter))
      .sort((a, b) => compare(b.position, a.position));
    if (batch.length === 0 && held === 0) return;
    setList((before) => receive(before, batch, { reading, skipped: held, id: eventId }));
  });
  useReconnect(() => setMissed(true));
  const showHeld = useCallback(() => setList(release), []);
  /** Everything that was not delivered has been fetched. */
  const caughtUp = useCallback(() => {
    setMissed(false);
    setList((before) => ({ ...before, skipped: 0 }));
  }, []);
  return { list, missed, showHeld, caughtUp };
}

/** Positions are decimal strings that may exceed what a number holds. */
function compare(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
