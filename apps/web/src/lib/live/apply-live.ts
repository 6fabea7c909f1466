import type { Device } from '@raypher/shared/rest';
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import { keys } from '../api/keys.ts';
import type { LiveStore } from './live-store.ts';
import { patchPresence } from './patch-presence.ts';

/** Objects on screen are fetched again at most this often, however many messages arrive. */
const REFETCH_EVERY_MS = 1_000;
/** The list of devices may be thousands of rows; presence is patched into it, so the rest can wait longer. */
const REFETCH_LIST_EVERY_MS = 10_000;

const HELD_BACK: ReadonlySet<unknown> = new Set(['events', keys.incidentList()[0]]);

type DeviceList = InfiniteData<{ items: Device[] }> | { items: Device[] };

/**
 * Writes live messages into the query cache: whole objects replace what is there, hints mark lists as
 * outdated (only those on screen are fetched). Returns the undo.
 */
export function applyLiveToCache(live: LiveStore, client: QueryClient): () => void {
  const soon = refetcher(client, REFETCH_EVERY_MS);
  const later = refetcher(client, REFETCH_LIST_EVERY_MS);
  const undo = [
    live.on('overview', (overview) => client.setQueryData(keys.overview, overview)),
    live.on('rollout', (rollout) => {
      client.setQueryData(keys.rollout(rollout.id), rollout);
      soon.mark(keys.rollouts);
    }),
    live.on('presence', (changes) => {
      client.setQueriesData<DeviceList>({ queryKey: ['devices', 'list'] }, (list) =>
        patchList(list, changes),
      );
      for (const { deviceId } of changes) soon.mark(keys.device(deviceId));
    }),
    live.on('alert', () => soon.mark(keys.alerts)),
    // Somebody waits for an answer: not a moment later than it is known.
    live.on('approval', () => void client.invalidateQueries({ queryKey: keys.approvals() })),
    live.on('inventory', ({ deviceIds }) => {
      soon.mark(['agents']);
      for (const deviceId of deviceIds) soon.mark(keys.device(deviceId));
      later.mark(['devices', 'list']);
    }),
    // What a person just did should be on every screen at once.
    live.on('changed', ({ object }) => {
      // Not by a person: it changes with every call of a model.
      if (object === 'spend') soon.mark([object]);
      else void client.invalidateQueries({ queryKey: [object] });
    }),
    // Signed out, or given another role: asking who one is leads to the sign-in page or to new rights.
    live.onRefused(() => void client.invalidateQueries({ queryKey: keys.me })),
    // Events and incidents are left alone: their pages hold new rows back while somebody reads.
    live.onConnect(
      () => void client.invalidateQueries({ predicate: ({ queryKey }) => !HELD_BACK.has(queryKey[0]) }),
    ),
  ];
  return () => {
    soon.stop();
    later.stop();
    for (const fn of undo) fn();
  };
}

function patchList(
  list: DeviceList | undefined,
  changes: Parameters<typeof patchPresence>[1],
): DeviceList | undefined {
  if (list === undefined) return undefined;
  if ('pages' in list) return { ...list, pages: patchPresence(list.pages, changes) };
  return patchPresence([list], changes)[0];
}

/** Collects outdated query keys and invalidates them together, once per interval. */
function refetcher(client: QueryClient, everyMs: number) {
  const outdated = new Map<string, readonly unknown[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    timer = undefined;
    const marked = [...outdated.values()];
    outdated.clear();
    for (const queryKey of marked) void client.invalidateQueries({ queryKey }, { cancelRefetch: false });
  };
  return {
    mark(queryKey: readonly unknown[]): void {
      outdated.set(JSON.stringify(queryKey), queryKey);
      timer ??= setTimeout(flush, everyMs);
    },
    stop: () => clearTimeout(timer),
  };
}
