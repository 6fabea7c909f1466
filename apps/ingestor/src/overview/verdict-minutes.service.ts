import { Injectable } from '@nestjs/common';
import type { Overview } from '@raypher/shared/rest';
import { EventsRepository, type MinuteRow } from '../events/events.repository.ts';

type Minute = Overview['verdicts'][number];

const MINUTE_MS = 60_000;
const SHOWN = 60;
/** A minute this old gets no more rows: the link commits within seconds of receiving. */
const CLOSED_AFTER_MS = 2 * MINUTE_MS;

interface Series {
  minutes: Map<number, Minute>;
  /** Every minute before this one is closed and counted. */
  closedBefore: number;
}

/**
 * Verdicts per minute of the last hour. Closed minutes never change (the record is append-only), so they are
 * counted once and kept; each call reads only the last two minutes or so, whatever the table has grown to.
 */
@Injectable()
export class VerdictMinutes {
  private readonly series = new Map<string, Series>();

  constructor(private readonly events: EventsRepository) {}

  async lastHour(organisationId: string, now = Date.now()): Promise<Minute[]> {
    const current = floor(now);
    const oldest = current - (SHOWN - 1) * MINUTE_MS;
    const known = this.series.get(organisationId) ?? { minutes: new Map(), closedBefore: oldest };
    const from = Math.max(oldest, known.closedBefore);
    const rows = await this.events.minutes(organisationId, new Date(from), new Date(current + MINUTE_MS));
    const fresh = count(rows);
    const minutes = new Map<number, Minute>();
    for (let at = oldest; at <= current; at += MINUTE_MS) {
      minutes.set(at, (at >= from ? fresh.get(at) : known.minutes.get(at)) ?? empty(at));
    }
    this.series.set(organisationId, { minutes, closedBefore: floor(now - CLOSED_AFTER_MS) });
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
