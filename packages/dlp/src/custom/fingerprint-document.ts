/** Words in one run. */
const RUN = 6;

/** A run of words in a text: its hash and where it is. */
export interface Shingle {
  hash: number;
  start: number;
  end: number;
}

/**
 * Hashes of all runs of six words; case, punctuation and spacing do not count.
 * Hashes of 53 bits: another run of words with the same hash is not to be expected.
 */
export function fingerprintDocument(text: string): number[] {
  const hashes = new Set<number>();
  forEachShingle(text, ({ hash }) => hashes.add(hash));
  return [...hashes];
}

/** Calls back for every run of words; linear in the text. */
export function forEachShingle(text: string, found: (shingle: Shingle) => void): void {
  const words: { hash: number; start: number }[] = [];
  for (const match of text.matchAll(/[\p{L}\p{N}]{1,64}/gu)) {
    words.push({ hash: hashOf(match[0].toLowerCase()), start: match.index });
    if (words.length > RUN) words.shift();
    const [first] = words;
    if (words.length === RUN && first)
      found({
        hash: combine(words.map(({ hash }) => hash)),
        start: first.start,
        end: match.index + match[0].length,
      });
  }
}

function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < word.length; index++)
    hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function combine(hashes: readonly number[]): number {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (const hash of hashes) {
    high = Math.imul(high ^ hash, 0x01000193) ^ (high >>> 13);
    low = Math.imul(low ^ hash, 0xcc9e2d51) ^ (low >>> 15);
  }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}
