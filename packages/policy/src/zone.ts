/** Offsets from UTC change on whole minutes; in Newfoundland they did so a minute after midnight until 2011. */
const MINUTE = 60_000;
const MINUTES_PER_DAY = 1440;

/** What a wall clock shows. */
export interface WallClock {
  /** 0 is Sunday. */
  readonly day: number;
  /** Since midnight, 0–1439, by the clock on the wall, which jumps when offsets change. */
  readonly minute: number;
}

/** The clock on the wall of a time zone. */
export interface Zone {
  /** As IANA writes it. */
  readonly name: string;
  /** Days since 1970 and minutes, packed as one whole number: minutes of local time since 1970. */
  localMinutes(at: number): number;
}

/**
 * Names `Intl` does not take for a zone are refused; so are fixed offsets (`+02:00`), which know no summer
 * time and mostly stand where a place was meant.
 *
 * @returns `undefined` when there is no such zone.
 */
export function findZone(name: string): Zone | undefined {
  const key = name.toLowerCase();
  const known = zones.get(key);
  if (known !== undefined) return known;
  if (!/^[A-Za-z]/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const zone = createZone(name, format);
  zones.set(key, zone);
  return zone;
}

/** Bounded by the number of names that `Intl` accepts, some six hundred. */
const zones = new Map<string, Zone>();

export function zoneNames(): readonly string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone')];
}

/** The weekday and minute of local minutes since 1970. */
export function wallClock(localMinutes: number): WallClock {
  const day = Math.floor(localMinutes / MINUTES_PER_DAY);
  // 1970-01-01 was a Thursday.
  return { day: (((day + 4) % 7) + 7) % 7, minute: localMinutes - day * MINUTES_PER_DAY };
}

/** Asking `Intl` takes microseconds, so the offset is remembered for the minute it was asked for. */
function createZone(name: string, format: Intl.DateTimeFormat): Zone {
  let minute = Number.NaN;
  let offset = 0;
  return Object.freeze({
    name,
    localMinutes(at: number): number {
      const asked = Math.floor(at / MINUTE);
      if (asked !== minute) {
        offset = offsetMinutes(format, asked * MINUTE);
        minute = asked;
      }
      return asked + offset;
    },
  });
}

function offsetMinutes(format: Intl.DateTimeFormat, at: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
  return Math.round((Date.UTC(year, month - 1, day, hour, minute) - at) / MINUTE);
}
