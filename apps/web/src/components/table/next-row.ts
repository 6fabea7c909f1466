/**
 * Where the focus goes within a table of `count` rows.
 *
 * @param page rows that fit in view
 * @returns the row's index, or undefined when the key does not move
 */
export function nextRow(key: string, from: number, count: number, page: number): number | undefined {
  if (count === 0) return undefined;
  const target = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: count - 1,
  }[key];
  return target === undefined ? undefined : Math.min(count - 1, Math.max(0, target));
}
