import type { ErrorCode } from '@raypher/shared';

/** Milliseconds. An approval should be felt soon; a pause waits for a person, who wants to see at once what resuming did. */
const RETURN_MS: Partial<Record<ErrorCode, number>> = { 'device/pending': 10_000, 'device/paused': 20_000 };

/** After how many milliseconds a refused device should try again, spread by half; undefined: trying again is no use. */
export function comeBackAfter(code: ErrorCode): number | undefined {
  const base = RETURN_MS[code];
  return base === undefined ? undefined : Math.ceil(base * (1 + Math.random() / 2));
}
