import type { z } from 'zod';

/** A part of the address that a page cannot read. */
export interface Misread {
  name: string;
  value: string;
}

/** Says whether a value means something. */
type Reader = (value: string) => boolean;

/**
 * The filters of an address that have a value nobody can filter by. A page that left them out without a word would
 * show everything as if it were filtered.
 *
 * @example misread(get, { outcome: oneOfThese(['ALLOW']) }) // [{ name: 'outcome', value: 'MAYBE' }]
 */
export function misread(get: (name: string) => string, readers: Record<string, Reader>): Misread[] {
  return Object.entries(readers).flatMap(([name, isRead]) => {
    const value = get(name);
    return value === '' || isRead(value) ? [] : [{ name, value }];
  });
}

export function oneOfThese(words: readonly string[]): Reader {
  return (value) => words.includes(value);
}

export function fits(schema: z.ZodType): Reader {
  return (value) => schema.safeParse(value).success;
}

/** A value as it is said on the page. A link can carry a whole book. */
const LONGEST = 60;

/** @example misreadInWords({ name: 'outcome', value: 'MAYBE' }) // "“MAYBE” is not a valid outcome." */
export function misreadInWords({ name, value }: Misread): string {
  const shown = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
  return `“${shown}” is not a valid ${NAMES[name] ?? name}.`;
}

/** What filters are called where their name in the address is not a word for people. */
const NAMES: Readonly<Record<string, string>> = {
  agent: 'AI agent',
  class: 'class of data',
  days: 'number of days',
  from: 'start of the time',
  group: 'breakdown',
  q: 'search',
  sort: 'order',
  to: 'end of the time',
};
