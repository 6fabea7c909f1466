/**
 * A list that grows at its top while somebody may be reading it. New rows are shown at once only to a
 * reader who is at the top and has not paused; for everybody else they are held back and counted, so
 * that nothing moves under the pointer.
 */
export interface HeldList<Row> {
  readonly shown: readonly Row[];
  readonly held: readonly Row[];
  /** Rows that were left out of bursts and must be fetched to be seen. */
  readonly skipped: number;
}

/** Rows kept; older ones are fetched by filter. Bounds the memory of a page that is left open. */
export const MAX_SHOWN = 5_000;
/** Rows held; beyond it they only count. */
export const MAX_HELD = 1_000;

export function emptyList<Row>(): HeldList<Row> {
  return { shown: [], held: [], skipped: 0 };
}

/**
 * Takes a batch, newest first.
 *
 * @param skipped rows that the server left out of the batch
 * @param reading true while the reader is away from the top or has paused
 */
export function receive<Row>(
  list: HeldList<Row>,
  batch: readonly Row[],
  options: { reading: boolean; skipped: number; id: (row: Row) => string },
): HeldList<Row> {
  // A batch may repeat what a fetch just brought.
  const known = new Set([...list.held, ...list.shown.slice(0, MAX_HELD)].map(options.id));
  const fresh = batch.filter((row) => !known.has(options.id(row)));
  if (options.reading) {
    const held = [...fresh, ...list.held];
    return {
      ...list,
      held: held.slice(0, MAX_HELD),
      skipped: list.skipped + options.skipped + Math.max(0, held.length - MAX_HELD),
    };
  }
  return {
    ...list,
    shown: [...fresh, ...list.held, ...list.shown].slice(0, MAX_SHOWN),
    held: [],
    skipped: list.skipped + options.skipped,
  };
}

/** Shows what was held. */
export function release<Row>(list: HeldList<Row>): HeldList<Row> {
  return { ...list, shown: [...list.held, ...list.shown].slice(0, MAX_SHOWN), held: [] };
}

/** How many new rows wait. */
export function waiting(list: HeldList<unknown>): number {
  return list.held.length + list.skipped;
}
