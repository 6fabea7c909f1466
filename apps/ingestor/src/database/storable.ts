import { RaypherError } from '@raypher/shared';

/** Postgres knows no year 0. */
const YEAR_ZERO = /^0000-\d\d-\d\dT[\d:.]+Z$/;

/**
 * Refuses text that the database cannot keep or look for: NUL, half a character, a time in the year 0. What
 * nobody types would otherwise end as an error of ours, with a line in the log for every request.
 *
 * @param value parsed already, so that its depth is that of its schema.
 * @throws RaypherError `request/invalid`
 */
export function requireStorable<T>(value: T): T {
  if (isStorable(value)) return value;
  throw new RaypherError('request/invalid', 'The request holds characters or times that cannot be kept.', {
    hint: 'Leave out control characters and halves of characters.',
  });
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') {
    return !value.includes('\0') && value.isWellFormed() && !YEAR_ZERO.test(value);
  }
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isStorable);
  return Object.entries(value).every(([key, part]) => isStorable(key) && isStorable(part));
}
