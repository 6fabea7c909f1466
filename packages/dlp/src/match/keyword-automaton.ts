const WIDTH_BITS = 6;
const WIDTH = 1 << WIDTH_BITS;

/**
 * Finds many keywords in one pass (Aho and Corasick, 1975) over ASCII without regard to case.
 * Characters outside ASCII end every partial match.
 */
export class KeywordAutomaton {
  readonly keywords: readonly string[];
  /** Character code → class; 0 for all that occur in no keyword. */
  readonly #classes = new Uint8Array(128);
  readonly #next: Int32Array;
  /** States from here on report keywords (offsets into `#next`). */
  readonly #firstReporting: number;
  readonly #reports: readonly Int32Array[];

  /** @param keywords lower case ASCII; the index of each is what `search` reports */
  constructor(keywords: readonly string[]) {
    this.keywords = keywords;
    this.#assignClasses();
    const trie = buildTrie(keywords, this.#classes);
    const order = renumber(trie.reports);
    this.#next = new Int32Array(trie.next.length);
    for (const [state, target] of order.newNumber.entries())
      for (let symbol = 0; symbol < WIDTH; symbol++)
        this.#next[target * WIDTH + symbol] =
          (order.newNumber[trie.next[state * WIDTH + symbol] ?? 0] ?? 0) * WIDTH;
    this.#firstReporting = order.firstReporting * WIDTH;
    this.#reports = order.reports;
  }

  /** Calls back for every occurrence, in order of its end. @param end index after the last character */
  search(text: string, found: (keyword: number, end: number) => void): void {
    const next = this.#next;
    const classes = this.#classes;
    const first = this.#firstReporting;
    let state = 0;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      // Both arrays are indexed within their bounds by construction; `| 0` is for the compiler.
      state = code < 128 ? (next[state + (classes[code] ?? 0)] ?? 0) : 0;
      if (state >= first) {
        const reports = this.#reports[(state - first) >> WIDTH_BITS];
        if (reports) for (const keyword of reports) found(keyword, index + 1);
      }
    }
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

interface Trie {
  next: Int32Array;
  reports: number[][];
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
  completeByFailure(next, reports);
  return { next: next.slice(0, reports.length * WIDTH), reports };
}

/** Breadth first: missing edges become those of the longest proper suffix, and its reports are inherited. */
function completeByFailure(next: Int32Array, reports: number[][]): void {
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
}

/** Silent states first, so that one comparison tells whether a state reports anything. */
function renumber(reports: readonly number[][]) {
  const states = reports.map((_, state) => state);
  const silent = states.filter((state) => reports[state]?.length === 0);
  const reporting = states.filter((state) => reports[state]?.length !== 0);
  const newNumber = new Int32Array(reports.length);
  for (const [position, state] of [...silent, ...reporting].entries()) newNumber[state] = position;
  return {
    newNumber,
    firstReporting: silent.length,
    reports: reporting.map((state) => Int32Array.from(reports[state] ?? [])),
  };
}
