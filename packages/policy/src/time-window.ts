import { findZone, wallClock, type Zone } from './zone.ts';

export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** As a document says it. */
export interface TimeWindow {
  /** Every day unless given. Of a window over midnight: the days on which it begins. */
  readonly days?: readonly Weekday[] | undefined;
  /** `HH:MM` on the wall clock; the window begins with it. */
  readonly from?: string | undefined;
  /** `HH:MM`; the window ends before it. Earlier than `from`: on the next day. */
  readonly to?: string | undefined;
  /** IANA name. */
  readonly zone?: string | undefined;
}

export interface CompiledWindow {
  holds(at: number): boolean;
  /** In words. */
  readonly text: string;
}

export const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/;

/**
 * Compares with the clock on the wall: where clocks jump forward over a time, windows lose the minutes that do
 * not exist; where they go back, windows hold the repeated hour twice.
 *
 * @param fallbackZone where the window names none.
 * @throws TypeError for a window that no parser let through.
 */
export function compileWindow(window: TimeWindow, fallbackZone: string): CompiledWindow {
  const zone = requireZone(window.zone ?? fallbackZone);
  const from = minutesOf(window.from ?? '00:00');
  const to = minutesOf(window.to ?? '24:00');
  const days = WEEKDAYS.map((day) => window.days === undefined || window.days.includes(day));
  const isOvernight = to < from;
  const text = [
    ...(window.days === undefined ? [] : [window.days.join(', ')]),
    `${window.from ?? '00:00'}–${window.to ?? '24:00'}`,
    zone.name,
  ].join(' ');
  return Object.freeze({
    text,
    holds(at: number): boolean {
      const { day, minute } = wallClock(zone.localMinutes(at));
      if (!isOvernight) return days[day] === true && minute >= from && minute < to;
      if (minute >= from) return days[day] === true;
      return minute < to && days[(day + 6) % 7] === true;
    },
  });
}

function requireZone(name: string): Zone {
  const zone = findZone(name);
  if (zone === undefined) throw new TypeError(`"${name}" is not a time zone`);
  return zone;
}

function minutesOf(time: string): number {
  if (!TIME_OF_DAY.test(time)) throw new TypeError(`"${time}" is not a time of day`);
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}
