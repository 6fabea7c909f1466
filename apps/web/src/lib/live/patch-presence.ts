import type { Device, LiveMessages } from '@raypher/shared/rest';

type Change = Parameters<LiveMessages['presence']>[0][number];
interface Page {
  items: Device[];
}

/**
 * Writes who came and went into fetched pages, without fetching them again: a storm of reconnects would
 * otherwise fetch ten thousand rows every second. Pages that nobody of them is on stay the same objects.
 */
export function patchPresence<P extends Page>(pages: readonly P[], changes: readonly Change[]): P[] {
  const byDevice = new Map(changes.map((change) => [change.deviceId, change]));
  return pages.map((page) => patchPage(page, byDevice));
}

function patchPage<P extends Page>(page: P, changes: ReadonlyMap<string, Change>): P {
  if (!page.items.some((device) => changes.has(device.id))) return page;
  return { ...page, items: page.items.map((device) => patchDevice(device, changes.get(device.id))) };
}

function patchDevice(device: Device, change: Change | undefined): Device {
  if (change === undefined) return device;
  return {
    ...device,
    connected: change.connected,
    connectedSince: change.connected ? change.at : null,
    lastSeenAt: change.at,
    live: change.connected ? device.live : null,
  };
}
