import type { Span } from './token-matcher.ts';

const isToken = new Uint8Array(128);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/=-')
  isToken[character.charCodeAt(0)] = 1;

/**
 * Runs of token characters of at least `least` units. Looks at every `least`-th unit and spreads from there,
 * so text made of words costs a fraction of its length.
 */
export function findLongTokens(text: string, least: number, found: (span: Span) => void): void {
  let done = 0;
  for (let probe = least - 1; probe < text.length; ) {
    if (isToken[text.charCodeAt(probe)] !== 1) {
      probe += least;
      continue;
    }
    let start = probe;
    while (start > done && isToken[text.charCodeAt(start - 1)] === 1) start--;
    let end = probe + 1;
    while (end < text.length && isToken[text.charCodeAt(end)] === 1) end++;
    if (end - start >= least) found({ start, end });
    done = end;
    probe = end + least - 1;
  }
}
