import { RaypherError } from '@raypher/shared';
import type { z } from 'zod';
import { requireStorable } from './storable.ts';

/** An opaque cursor: the sort key of the last row of a page. */
export function encodeCursor(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws RaypherError `request/invalid` for a cursor that no page of this list handed out. */
export function decodeCursor<T extends z.ZodType>(schema: T, cursor: string): z.output<T> {
  try {
    return requireStorable(schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))));
  } catch (cause) {
    throw new RaypherError('request/invalid', 'This cursor does not belong to this list.', {
      hint: 'Start again from the first page.',
      cause,
    });
  }
}

/** Cuts a result read with one row too many into a page. */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  show: (row: Row) => Item,
  keyOf: (row: Row) => unknown,
): { items: Item[]; next: string | null } {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(show),
    next: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}
