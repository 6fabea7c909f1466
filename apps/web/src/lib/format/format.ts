const COUNT = new Intl.NumberFormat('en-GB');

/** @example formatCount(10400) // "10,400" */
export function formatCount(value: number): string {
  return COUNT.format(value);
}

/** A count with its noun. @example plural(1, 'device') // "1 device" */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}

/** Bytes with binary units. @example formatBytes(70 * 1024 * 1024) // "70 MiB" */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A share of one processor. @example formatShare(0.034) // "3.4 %" */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** How long something took or takes, in the two largest units that matter. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The age of a moment, or how far away it is. @example formatAge(then, now) // "3 min ago" */
export function formatAge(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1_000);
  // Clocks of device and viewer differ a little; a moment from now is still now.
  if (Math.abs(seconds) < 5) return 'now';
  const [value, unit] = largestUnit(Math.abs(seconds));
  return seconds > 0 ? `${value} ${unit} ago` : `in ${value} ${unit}`;
}

function largestUnit(seconds: number): [number, string] {
  if (seconds < 60) return [seconds, 's'];
  if (seconds < 3_600) return [Math.floor(seconds / 60), 'min'];
  if (seconds < 86_400) return [Math.floor(seconds / 3_600), 'h'];
  return [Math.floor(seconds / 86_400), 'd'];
}

/** Ids are long and compared by their beginning. @example shortenId(uuid) // "018f3c2a" */
export function shortenId(id: string, length = 8): string {
  return id.slice(0, length);
}
