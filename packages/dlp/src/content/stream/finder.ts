import type { Edit } from '../edit.ts';
import type { Place } from '../part.ts';

/** Where a match comes from. */
export interface StreamPlace extends Place {
  /** Set when part of it had left already: it came in a shape that the hold-back does not foresee. */
  partial?: boolean;
}

/** What is looked for in a stream. */
export interface Finder {
  /** Longest match, in UTF-16 units. */
  readonly longest: number;
  /** Units before the open end that a match may depend on. */
  readonly context: number;
  /** @returns candidates in order; `accept` is called for those that count */
  find(
    text: string,
  ): { start: number; end: number; accept(value: string, place: StreamPlace): string | undefined }[];
  /** From where the end of the text may still become a match. */
  openFrom(text: string): number;
  /** Looks through a text that came whole. */
  whole(text: string, place: Place): Edit[];
}
