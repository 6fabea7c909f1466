import type { QueryClient } from '@tanstack/react-query';
import { keys } from '../api/keys.ts';
import type { LiveStore } from './live-store.ts';

/** Lists on screen are fetched again at most this often, however many messages arrive. */
const REFETCH_EVERY_MS = 1_000;

/**
 * Writes live messages into the query cache: whole objects replace what is there, hints mark lists as
 * outdated (only those on screen are fetched). Returns the undo.
 */
export function applyLiveToCache(live: LiveStore, client: QueryClient): () => void {
  const outdated = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const markOutdated = (object: string): void => {
    outdated.add(object);
    timer ??= setTimeout(() => {
      timer = undefined;
      const objects = [...outdated];
      outdated.clear();
      for (const name of objects) void client.invalidateQueries({ queryKey: [name] });
    }, REFETCH_EVERY_MS);
  };

  const undo = [
    live.on('overview', (overview) => client.setQueryData(keys.overview, overview)),
    live.on('rollout', (rollout) => {
      client.setQueryData(keys.rollout(rollout.id), rollout);
      markOutdated('rollouts');
    }),
    live.on('presence', () => markOutdated('devices')),
    live.on('alert', () => markOutdated('alerts')),
    live.on('inventory', () => {
      markOutdated('agents');
      markOutdated('devices');
    }),
    live.on('changed', ({ object }) => {
      // What a person just did should be on their screen at once.
      void client.invalidateQueries({ queryKey: [object] });
      if (object === 'devices') markOutdated('agents');
    }),
    // Signed out, or given another role: asking who one is leads to the sign-in page or to new rights.
    live.onRefused(() => void client.invalidateQueries({ queryKey: keys.me })),
    live.onReconnect(() => void client.invalidateQueries()),
  ];
  return () => {
    clearTimeout(timer);
    for (const fn of undo) fn();
  };
}
