import type { SpendLimit } from './schema.ts';

/** From the start, up to but without the end; milliseconds since the epoch. */
export interface Period {
  readonly startsAt: number;
  readonly endsAt: number;
}

const HOUR = 3_600_000;
/** No zone is further from UTC; a day of a zone begins within this of the day of UTC. */
const FARTHEST_OFFSET = 26 * HOUR;

/** Bounded by the number of names that `Intl` accepts, some six hundred. */
const calendars = new Map<string, Calendar>();

/**
 * The period of a limit that holds a moment; of a single request, that moment. Days and months begin at midnight of
 * the zone, hours on the hour of UTC.
 *
 * @param zone IANA name
 * @param at milliseconds since the epoch
 */
export function periodAt(per: SpendLimit['per'], zone: string, at: number): Period {
  let calendar = calendars.get(zone);
  if (calendar === undefined) {
    calendar = new Calendar(zone);
    calendars.set(zone, calendar);
  }
  return calendar.periodAt(per, at);
}

/** Asking `Intl` is slow, so the period that was asked for last is remembered. */
class Calendar {
  readonly #format: Intl.DateTimeFormat;
  readonly #present = new Map<SpendLimit['per'], Period>();

  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    });
  }

  periodAt(per: SpendLimit['per'], at: number): Period {
    if (per === 'request') return { startsAt: at, endsAt: at };
    const present = this.#present.get(per);
    if (present !== undefined && at >= present.startsAt && at < present.endsAt) return present;
    const period = this.#find(per, at);
    this.#present.set(per, period);
    return period;
  }

  #find(per: 'hour' | 'day' | 'month', at: number): Period {
    if (per === 'hour') {
      const startsAt = Math.floor(at / HOUR) * HOUR;
      return { startsAt, endsAt: startsAt + HOUR };
    }
    const { year, month, day } = this.#dateAt(at);
    // One before and two after: where clocks go back over midnight, a date is left and entered again.
    const starts = [-1, 0, 1, 2].map((step) =>
      per === 'day' ? this.#startOf(year, month, day + step) : this.#startOf(year, month + step, 1),
    );
    const next = starts.findIndex((start) => start > at);
    return { startsAt: starts[next - 1] ?? at, endsAt: starts[next] ?? at };
  }

  /** The first moment of a date; not always midnight, which some changes to summer time skip. */
  #startOf(year: number, month: number, day: number): number {
    const utc = Date.UTC(year, month - 1, day);
    let before = utc - FARTHEST_OFFSET;
    let after = utc + FARTHEST_OFFSET;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      const local = this.#dateAt(middle);
      if (Date.UTC(local.year, local.month - 1, local.day) < utc) before = middle;
      else after = middle;
    }
    return after;
  }

  #dateAt(at: number): { year: number; month: number; day: number } {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = Number(value);
    const { year = 1970, month = 1, day = 1 } = parts;
    return { year, month, day };
  }
}
