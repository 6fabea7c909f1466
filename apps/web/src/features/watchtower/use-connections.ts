'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { useLive, useWatchConnections } from '@/lib/live/live-provider.tsx';
import { type ConnectionList, EMPTY_LIST, receive, release } from './connection-list.ts';

/** What is open now, kept up to date while this is on screen. */
export function useConnections(
  device: string,
  agent: string,
  reading: boolean,
): { list: ConnectionList; showHeld: () => void } {
  const [list, setList] = useState(EMPTY_LIST);
  const isReading = useRef(reading);
  useEffect(() => {
    isReading.current = reading;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another part of the fleet starts the list anew
  useEffect(() => setList(EMPTY_LIST), [device, agent]);
  useWatchConnections(device, agent);
  useLive('connections', (batch) => {
    setList((before) => receive(before, batch, { reading: isReading.current, now: Date.now() }));
  });
  const showHeld = useCallback(() => setList((before) => release(before, Date.now())), []);
  useEffect(() => {
    if (reading) return undefined;
    showHeld();
    // Those that ended go by themselves.
    const timer = setInterval(showHeld, 1_000);
    return () => clearInterval(timer);
  }, [reading, showHeld]);
  return { list, showHeld };
}
