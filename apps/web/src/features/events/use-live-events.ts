'use client';

import type { EventView } from '@raypher/shared/rest';
import { useCallback, useEffect, useState } from 'react';
import { useLive } from '@/lib/live/live-provider.tsx';
import type { EventFilter } from './event-filter.ts';
import { matchesFilter } from './event-filter.ts';
import { emptyList, type HeldList, receive, release } from './held-list.ts';

/** An event's name: device and sequence number. */
export function eventId(event: { deviceId: string; seq: number }): string {
  return `${event.deviceId}:${event.seq}`;
}

/** Live rows for this filter, above what was fetched. They start anew when the filter changes or rows were fetched again. */
export function useLiveEvents(filter: EventFilter, fetchedAt: number, reading: boolean) {
  const [list, setList] = useState<HeldList<EventView>>(emptyList);
  const key = JSON.stringify(filter);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter or fetch is what starts the list anew
  useEffect(() => setList(emptyList()), [key, fetchedAt]);
  useLive('events', ({ items, held }) => {
    const batch = items
      .filter((event) => matchesFilter(event, filter))
      .sort((a, b) => compare(b.position, a.position));
    if (batch.length === 0 && held === 0) return;
    setList((before) => receive(before, batch, { reading, skipped: held, id: eventId }));
  });
  const showHeld = useCallback(() => setList(release), []);
  return { list, showHeld };
}

/** Positions are decimal strings that may exceed what a number holds. */
function compare(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
