import type { Incident } from '@raypher/shared/rest';

/** How many of the newest incidents are not on the screen, or have happened again since they were put there. */
export function newSince(newest: readonly Incident[], shown: readonly Incident[]): number {
  const seen = new Map(shown.map(({ id, lastAt }) => [id, lastAt]));
  return newest.filter(({ id, lastAt }) => seen.get(id) !== lastAt).length;
}
