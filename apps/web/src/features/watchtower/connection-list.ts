import { type ConnectionsBatch, type ConnectionView, connectionKey } from '@raypher/shared/rest';

/** One connection on screen. */
export interface ShownConnection extends ConnectionView {
  readonly key: string;
  /** When the page heard that it is over, milliseconds since the epoch; undefined while it is open. */
  readonly endedAt: number | undefined;
}

/** What it cost at a moment; the newest of a minute give what is spent per minute. */
interface Spent {
  readonly at: number;
  readonly micros: number;
}

/**
 * Live connections as a page shows them, newest first. Rows are changed in place at any time, but they come and go only
 * while nobody reads: nothing moves under the pointer.
 */
export interface ConnectionList {
  readonly shown: readonly ShownConnection[];
  readonly held: readonly ShownConnection[];
  /** All that are open, shown or not. */
  readonly total: number;
  readonly devices: number;
  readonly spent: readonly Spent[];
  /** When the first batch came; undefined before. */
  readonly since: number | undefined;
  /** When the last one did. */
  readonly heardAt: number;
}

/** How long a connection that ended stays in view, milliseconds. */
export const ENDED_FOR_MS = 4_000;
const SPENT_FOR_MS = 60_000;

export const EMPTY_LIST: ConnectionList = {
  shown: [],
  held: [],
  total: 0,
  devices: 0,
  spent: [],
  since: undefined,
  heardAt: 0,
};

/** @param reading whether somebody does: then new rows are held, and ended ones stay */
export function receive(
  list: ConnectionList,
  batch: ConnectionsBatch,
  { reading, now }: { reading: boolean; now: number },
): ConnectionList {
  const news = new Map(batch.open.map((row) => [connectionKey(row), row]));
  const closed = new Set(batch.closed);
  const gone = new Set(batch.gone);
  let micros = 0;
  const update = (row: ShownConnection): ShownConnection | undefined => {
    const fresh = news.get(row.key);
    news.delete(row.key);
    // Of a device that began anew, or that nobody hears of: it is not known to have ended.
    if (gone.has(row.key) || (batch.snapshot && fresh === undefined && row.endedAt === undefined))
      return undefined;
    if (fresh !== undefined) micros += Math.max(0, (fresh.costMicros ?? 0) - (row.costMicros ?? 0));
    const endedAt = row.endedAt ?? (closed.has(row.key) ? now : undefined);
    return fresh === undefined && endedAt === row.endedAt ? row : { ...row, ...fresh, endedAt };
  };
  const shown = list.shown.flatMap((row) => update(row) ?? []);
  const held = list.held.flatMap((row) => update(row) ?? []);
  const added: ShownConnection[] = [];
  for (const [key, row] of news) {
    // What was spent before somebody looked is not spent now.
    if (!batch.snapshot) micros += row.costMicros ?? 0;
    added.push({ ...row, key, endedAt: closed.has(key) ? now : undefined });
  }
  added.sort((a, b) => b.openedAt.localeCompare(a.openedAt));
  const next: ConnectionList = {
    shown,
    held: [...added, ...held],
    total: batch.total,
    devices: batch.devices,
    spent: [
      ...list.spent.filter(({ at }) => now - at < SPENT_FOR_MS),
      ...(micros > 0 ? [{ at: now, micros }] : []),
    ],
    since: list.since ?? now,
    heardAt: now,
  };
  // The first rows are no news.
  return reading && list.since !== undefined ? next : release(next, now);
}

/** Shows what was held, and lets go of what ended a while ago. */
export function release(list: ConnectionList, now: number): ConnectionList {
  const isOver = ({ endedAt }: ShownConnection) => endedAt !== undefined && now - endedAt >= ENDED_FOR_MS;
  if (list.held.length === 0 && !list.shown.some(isOver)) return list;
  return { ...list, shown: [...list.held, ...list.shown].filter((row) => !isOver(row)), held: [] };
}

/** Micro-dollars per minute, of what the page has seen being spent in the last minute; undefined while it is too early. */
export function spentPerMinute({ spent, since }: ConnectionList, now: number): number | undefined {
  if (since === undefined) return undefined;
  const seenMs = Math.min(SPENT_FOR_MS, now - since);
  if (seenMs < 5_000) return undefined;
  const micros = spent.reduce((sum, one) => (now - one.at < SPENT_FOR_MS ? sum + one.micros : sum), 0);
  return (micros * 60_000) / seenMs;
}
