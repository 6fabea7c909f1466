import type { Finding } from './finding.ts';

/** Finds sensitive data in one text. Compiled once, immutable, safe to share; the time is linear in the text. */
export interface Scanner {
  /** Changes whenever another result could come out for the same text: part of every cache key. */
  readonly version: string;
  /**
   * UTF-16 code units that a stream has to hold back at most so that nothing is missed across a cut.
   * No finding is longer.
   */
  readonly longestFinding: number;
  /** @returns findings in order of `start`, without overlaps */
  scan(text: string): Finding[];
}
