'use client';

import type { Incident } from '@raypher/shared/rest';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { usePages } from '@/lib/api/use-pages.ts';
import { useLive, useReconnect } from '@/lib/live/live-provider.tsx';
import { newSince } from './new-since.ts';

/** However many live messages come, the list is looked at this often, milliseconds. */
const LOOK_EVERY_MS = 1_000;

/**
 * Incidents for a query. While somebody reads, what is new is counted and held back; otherwise it is shown at once.
 *
 * @param reading the reader is away from the top, has paused, or has something open
 */
export function useIncidentList(query: Record<string, string>, reading: boolean) {
  const list = usePages<Incident>(
    keys.incidentList(query),
    (cursor) => api.incidents({ ...query, cursor, limit: 100 }),
    // A list that is being read never jumps because its window came to the front.
    { refetchOnWindowFocus: false },
  );
  const [waiting, setWaiting] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const { refetch, rows } = list;
  const showNew = useCallback(() => void refetch().then(() => setWaiting(0)), [refetch]);
  const look = async (): Promise<void> => {
    if (!reading) return showNew();
    const newest = await api.incidents({ ...query, limit: 100 });
    setWaiting(newSince(newest.items, rows));
  };
  const latest = useRef(look);
  useEffect(() => {
    latest.current = look;
  });
  const soon = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      // What could not be fetched is fetched with the next message; the indicator says that the connection is gone.
      latest.current().catch(() => undefined);
    }, LOOK_EVERY_MS);
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);
  useLive('changed', ({ object }) => {
    if (object === 'incidents') soon();
  });
  useReconnect(soon);
  // Nothing is held back from somebody who has stopped reading.
  useEffect(() => {
    if (!reading && waiting > 0) showNew();
  }, [reading, waiting, showNew]);
  return { ...list, waiting, showNew };
}
