import { Injectable } from '@nestjs/common';
import type { Overview } from '@raypher/shared/rest';
import { EventsRepository, type MinuteRow } from '../events/events.repository.ts';

type Minute = Overview['verdicts'][number];

const MINUTE_MS = 60_000;
const SHOWN = 60;
/** A minute this old gets no more rows: the link commits within seconds of receiving. */
const CLOSED_AFTER_MS = 2 * MINUTE_MS;

/** Positions are given out before they are committed; a row may arrive this far out of order. */
const OUT_OF_ORDER = 10_000n;

interface Series {
  minutes: Map<number, Minute>;
  /** Every minute before this one is closed and counted. */
  closedBefore: number;
  /** Every row of a minute that is still open has a higher position. */
  after: bigint;
}

/**
 * Verdicts per minute of the last hour. Closed minutes never change (the record is append-only), so they are
 * counted once and kept; each call reads only the rows of the last minutes, whatever the table has grown to.
 */
@Injectable()
export class VerdictMinutes {
  private readonly series = new Map<string, Series>();

  constructor(private readonly events: EventsRepository) {}

  /** Oldest first. @param now milliseconds since the epoch. */
  async lastHour(organisationId: string, now = Date.now()): Promise<Minute[]> {
    const current = floor(now);
    const oldest = current - (SHOWN - 1) * MINUTE_MS;
    const known = this.series.get(organisationId) ?? { minutes: new Map(), closedBefore: oldest, after: -1n };
    const from = Math.max(oldest, known.closedBefore);
    const rows = await this.events.minutes(organisationId, new Date(from), known.after);
    const fresh = count(rows);
    const minutes = new Map<number, Minute>();
    for (let at = oldest; at <= current; at += MINUTE_MS) {
      minutes.set(at, (at >= from ? fresh.get(at) : known.minutes.get(at)) ?? empty(at));
    }
    const closedBefore = floor(now - CLOSED_AFTER_MS);
    const open = rows.filter((row) => row.minute.getTime() >= closedBefore).map((row) => row.firstPosition);
    const lowest = open.reduce<bigint | undefined>(
      (low, one) => (low === undefined || one < low ? one : low),
      undefined,
    );
    const safe = lowest === undefined ? known.after : lowest - OUT_OF_ORDER;
    const after = safe > known.after ? safe : known.after;
    this.series.set(organisationId, { minutes, closedBefore, after });
    return [...minutes.values()];
  }
}

function count(rows: readonly MinuteRow[]): Map<number, Minute> {
  const minutes = new Map<number, Minute>();
  for (const row of rows) {
    const at = row.minute.getTime();
    const minute = minutes.get(at) ?? empty(at);
    minutes.set(at, minute);
    minute[kindOf(row)] += Number(row.count);
  }
  return minutes;
}

function kindOf(row: MinuteRow): 'allow' | 'deny' | 'wouldDeny' | 'prompt' {
  if (row.outcome === 'PROMPT') return 'prompt';
  if (row.outcome !== 'DENY') return 'allow';
  return row.mode === 'monitor' ? 'wouldDeny' : 'deny';
}

function empty(at: number): Minute {
  return { minute: new Date(at).toISOString(), allow: 0, deny: 0, wouldDeny: 0, prompt: 0 };
}

function floor(time: number): number {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}
