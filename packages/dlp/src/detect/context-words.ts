/** Where context words stand in one text; reused from scan to scan. */
export class ContextWords {
  readonly #places: number[][];
  /** Words that were seen in this text. */
  readonly seen: number[] = [];

  constructor(words: number) {
    this.#places = Array.from({ length: words }, () => []);
  }

  clear(): void {
    for (const word of this.seen) {
      const places = this.#places[word];
      if (places) places.length = 0;
    }
    this.seen.length = 0;
  }

  /** Positions arrive in ascending order. */
  add(word: number, position: number): void {
    const places = this.#places[word];
    if (places?.push(position) === 1) this.seen.push(word);
  }

  /** Whether the word stands between the two positions. */
  isBetween(word: number, from: number, to: number): boolean {
    const places = this.#places[word] ?? [];
    let low = 0;
    let high = places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[middle] ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    const place = places[low];
    return place !== undefined && place <= to;
  }
}

/** A short word inside a longer one is another word: `sin` in `single`; a hump of camel case is a word. */
export function standsAlone(text: string, start: number, end: number): boolean {
  const before = text.charCodeAt(start - 1);
  const after = text.charCodeAt(end);
  const startsHump = isSmall(before) && isCapital(text.charCodeAt(start));
  const long = end - start >= 6;
  return (
    (!isLetter(before) || startsHump) &&
    (long ||
      !isLetter(after) ||
      (isCapital(after) && isSmall(text.charCodeAt(end - 1))) ||
      isPluralEnd(text, end))
  );
}

const isPluralEnd = (text: string, end: number): boolean =>
  text[end] === 's' && !isLetter(text.charCodeAt(end + 1));
const isSmall = (code: number): boolean => code >= 97 && code <= 122;
const isCapital = (code: number): boolean => code >= 65 && code <= 90;
const isLetter = (code: number): boolean => isSmall(code) || isCapital(code);
