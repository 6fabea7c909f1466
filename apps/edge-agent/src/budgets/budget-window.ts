import type { BudgetWindow } from './budget-limit.ts';

/** From the start, up to but without the end; milliseconds since the epoch. */
export interface TimeSpan {
  readonly startsAt: number;
  readonly endsAt: number;
}

const HOUR = 3_600_000;
/** No zone is further from UTC; a day of a zone begins within this of the day of UTC. */
const FARTHEST_OFFSET = 26 * HOUR;

/** The calendar's windows in one time zone. Asking `Intl` is slow, so the present window is remembered. */
export class WindowClock {
  readonly #format: Intl.DateTimeFormat;
  readonly #present = new Map<BudgetWindow, TimeSpan>();

  /** @param zone IANA name */
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

  /** The window that holds a moment; of a single request, that moment. */
  windowAt(window: BudgetWindow, at: number): TimeSpan {
    if (window === 'request') return { startsAt: at, endsAt: at };
    const present = this.#present.get(window);
    if (present !== undefined && at >= present.startsAt && at < present.endsAt) return present;
    const span = this.#find(window, at);
    this.#present.set(window, span);
    return span;
  }

  #find(window: BudgetWindow, at: number): TimeSpan {
    if (window === 'hour') {
      const startsAt = Math.floor(at / HOUR) * HOUR;
      return { startsAt, endsAt: startsAt + HOUR };
    }
    const { year, month, day } = this.#dateAt(at);
    // One before and two after: where clocks go back over midnight, a date is left and entered again.
    const starts = [-1, 0, 1, 2].map((step) =>
      window === 'day' ? this.#startOf(year, month, day + step) : this.#startOf(year, month + step, 1),
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
