/** Wall-clock time in a zone (default: the viewer's), with seconds. */
export function formatClock(at: Date, timeZone?: string): string {
  return at.toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    ...zone(timeZone),
  });
}

/** Date and time in a zone (default: the viewer's). */
export function formatDateTime(at: Date, timeZone?: string): string {
  return at.toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    ...zone(timeZone),
  });
}

/** The unambiguous form shown on hover. @example formatUtc(new Date(0)) // "1970-01-01 00:00:00.000 UTC" */
export function formatUtc(at: Date): string {
  return at.toISOString().replace('T', ' ').replace('Z', ' UTC');
}

function zone(timeZone: string | undefined): { timeZone?: string } {
  return timeZone === undefined ? {} : { timeZone };
}
