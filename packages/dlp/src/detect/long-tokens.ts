import { type TextUnits, unitTable } from '../match/text-units.ts';
import type { Span } from './token-matcher.ts';

const isToken = unitTable();
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/=-')
  isToken[character.charCodeAt(0)] = 1;

/**
 * Runs of token characters of at least `least` units. Looks at every `least`-th unit and spreads from there,
 * so text made of words costs a fraction of its length.
 */
export function findLongTokens(
  { units, length }: TextUnits,
  least: number,
  found: (span: Span) => void,
): void {
  let done = 0;
  for (let probe = least - 1; probe < length; ) {
    if (isToken[units[probe] ?? 0] !== 1) {
      probe += least;
      continue;
    }
    let start = probe;
    while (start > done && isToken[units[start - 1] ?? 0] === 1) start--;
    let end = probe + 1;
    while (end < length && isToken[units[end] ?? 0] === 1) end++;
    if (end - start >= least) found({ start, end });
    done = end;
    probe = end + least - 1;
  }
}
