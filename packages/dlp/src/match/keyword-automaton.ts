import { readUnits, type TextUnits, unitTable } from './text-units.ts';

const WIDTH_BITS = 6;
const WIDTH = 1 << WIDTH_BITS;

/** What may stand before a keyword, as bits; most occurrences are inside of words and told apart by it at once. */
export const BEFORE = {
  small: 1,
  capital: 2,
  digit: 4,
  /** Anything else, and the beginning of the text. */
  other: 8,
  /** A small letter in front of a capital: a word of camel case begins. */
  hump: 16,
} as const;
export const ANYTHING_BEFORE = 31;

const kinds = unitTable().fill(BEFORE.other);
for (let code = 0; code < 26; code++) {
  kinds[97 + code] = BEFORE.small;
  kinds[65 + code] = BEFORE.capital;
}
for (let code = 48; code < 58; code++) kinds[code] = BEFORE.digit;

/** The kind of a unit, one bit of {@link BEFORE}. */
export function kindOfUnit(unit: number): number {
  return kinds[unit] ?? BEFORE.other;
}

/**
 * Finds many keywords in one pass (Aho and Corasick, 1975) over ASCII without regard to case.
 * Characters outside ASCII end every partial match.
 */
export class KeywordAutomaton {
  readonly keywords: readonly string[];
  /** Character code → class; 0 for all that occur in no keyword. */
  readonly #classes = unitTable();
  /** State × class → state; narrow, so that all of it stays in the cache of one core. */
  readonly #next: Uint16Array;
  /** States from here on report keywords. */
  readonly #firstReporting: number;
  /** Reporting state → where its keywords begin in `#reported`; the next one's begin is its end. */
  readonly #reports: Uint32Array;
  readonly #reported: Uint16Array;
  readonly #lengths: Uint16Array;
  readonly #before: Uint8Array;

  /**
   * @param keywords lower case ASCII; the index of each is what `search` reports
   * @param before for each of them what may stand before it, bits of {@link BEFORE}; anything unless told
   */
  constructor(keywords: readonly string[], before: readonly number[] = keywords.map(() => ANYTHING_BEFORE)) {
    this.keywords = keywords;
    this.#lengths = Uint16Array.from(keywords, ({ length }) => length);
    this.#before = Uint8Array.from(before);
    this.#assignClasses();
    const trie = buildTrie(keywords, this.#classes);
    const order = renumber(trie);
    if (trie.reports.length > 0xffff) throw new RangeError('There are too many keywords for one automaton.');
    this.#next = new Uint16Array(trie.next.length);
    for (const [state, target] of order.newNumber.entries())
      for (let symbol = 0; symbol < WIDTH; symbol++)
        this.#next[target * WIDTH + symbol] = order.newNumber[trie.next[state * WIDTH + symbol] ?? 0] ?? 0;
    this.#firstReporting = order.firstReporting;
    this.#reports = new Uint32Array(order.reports.length + 1);
    this.#reported = Uint16Array.from(order.reports.flat());
    for (const [state, reports] of order.reports.entries())
      this.#reports[state + 1] = (this.#reports[state] ?? 0) + reports.length;
  }

  /** Calls back for every occurrence, in order of its end. @param end index after the last character */
  search(text: string, found: (keyword: number, end: number) => void): void {
    this.searchUnits(readUnits(text), found);
  }

  /** The same over a text that has been read already. @returns the bits that any unit of the text has */
  searchUnits({ units, length }: TextUnits, found: (keyword: number, end: number) => void): number {
    const next = this.#next;
    const classes = this.#classes;
    const first = this.#firstReporting;
    const reports = this.#reports;
    const reported = this.#reported;
    const lengths = this.#lengths;
    const before = this.#before;
    let state = 0;
    let seen = 0;
    for (let index = 0; index < length; index++) {
      const unit = units[index] ?? 0;
      seen |= unit;
      // All arrays are indexed within their bounds by construction; `?? 0` is for the compiler.
      state = next[(state << WIDTH_BITS) + (classes[unit] ?? 0)] ?? 0;
      if (state < first) continue;
      const last = reports[state - first + 1] ?? 0;
      for (let report = reports[state - first] ?? 0; report < last; report++) {
        const keyword = reported[report] ?? 0;
        const start = index + 1 - (lengths[keyword] ?? 0);
        if ((before[keyword] ?? 0) & kindBefore(units, start)) found(keyword, index + 1);
      }
    }
    return seen;
  }

  #assignClasses(): void {
    let classCount = 1;
    for (const keyword of this.keywords)
      for (const character of keyword) {
        const code = character.charCodeAt(0);
        if (code >= 128 || character !== character.toLowerCase())
          throw new TypeError(`Keywords are lower case ASCII: ${keyword}`);
        if (this.#classes[code] !== 0) continue;
        if (classCount === WIDTH) throw new RangeError(`Keywords use more than ${WIDTH - 1} characters`);
        this.#classes[code] = classCount;
        this.#classes[character.toUpperCase().charCodeAt(0)] = classCount++;
      }
  }
}

function kindBefore(units: Uint16Array, start: number): number {
  if (start === 0) return BEFORE.other;
  const kind = kinds[units[start - 1] ?? 0] ?? 0;
  return kind === 1 && kinds[units[start] ?? 0] === 2 ? kind | 16 : kind;
}

interface Trie {
  next: Int32Array;
  reports: number[][];
  /** All states, the shortest beginnings of keywords first. */
  byDepth: number[];
}

function buildTrie(keywords: readonly string[], classes: Uint8Array): Trie {
  const most = 1 + keywords.reduce((total, keyword) => total + keyword.length, 0);
  const next = new Int32Array(most * WIDTH);
  const reports: number[][] = [[]];
  for (const [index, keyword] of keywords.entries()) {
    let state = 0;
    for (const character of keyword) {
      const edge = state * WIDTH + (classes[character.charCodeAt(0)] ?? 0);
      if (next[edge] === 0) next[edge] = reports.push([]) - 1;
      state = next[edge] ?? 0;
    }
    reports[state]?.push(index);
  }
  const byDepth = completeByFailure(next, reports);
  return { next: next.slice(0, reports.length * WIDTH), reports, byDepth };
}

/** Breadth first: missing edges become those of the longest proper suffix, and its reports are inherited. @returns all states in this order */
function completeByFailure(next: Int32Array, reports: number[][]): number[] {
  const failure = new Int32Array(reports.length);
  const queue = [...next.subarray(0, WIDTH)].filter((state) => state !== 0);
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0;
    const suffix = failure[state] ?? 0;
    reports[state]?.push(...(reports[suffix] ?? []));
    for (let symbol = 0; symbol < WIDTH; symbol++) {
      const edge = state * WIDTH + symbol;
      const child = next[edge] ?? 0;
      const fallback = next[suffix * WIDTH + symbol] ?? 0;
      if (child === 0) next[edge] = fallback;
      else {
        failure[child] = fallback;
        queue.push(child);
      }
    }
  }
  return [0, ...queue];
}

/**
 * Silent states first, so that one comparison tells whether a state reports anything; among them those near the root,
 * where a search spends its time, so that they share lines of the cache.
 */
function renumber({ reports, byDepth }: Trie) {
  const silent = byDepth.filter((state) => reports[state]?.length === 0);
  const reporting = byDepth.filter((state) => reports[state]?.length !== 0);
  const newNumber = new Int32Array(reports.length);
  for (const [position, state] of [...silent, ...reporting].entries()) newNumber[state] = position;
  return {
    newNumber,
    firstReporting: silent.length,
    reports: reporting.map((state) => reports[state] ?? []),
  };
}
