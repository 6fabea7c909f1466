/**
 * What is counted to know how long a parser would take: a policy of ten thousand rules has some eighty thousand of them.
 * A parser of YAML takes longer than linear for some sources, and the stack is what it nests in.
 */
export const MAX_SYNTAX = 150_000;
const MAX_DEPTH = 256;
const MAX_INDENTATION = 200;
/** Entries that a line begins with, such as `- - - a`. */
const MAX_ENTRIES_A_LINE = 64;

const COUNTED = new Set('[]{},&*!?%|>#\n');
const BEGINS = new Set('-?:');

export interface SourceExcess {
  /** Where it is seen first. */
  readonly at: number;
  readonly message: string;
}

/** Characters of the syntax of YAML, also those in texts: no more than a bound of what a parser has to do. */
export function syntaxOf(source: string): number {
  let count = 0;
  for (const character of source) if (COUNTED.has(character)) count += 1;
  return count;
}

/** Looks at a source once, before anything parses it. @returns why it is refused; undefined when it is not */
export function excessOf(source: string): SourceExcess | undefined {
  let [count, depth, lineStart, entries] = [0, 0, 0, 0];
  let isIndenting = true;
  /** Nothing of the line but what begins entries has been seen. */
  let isBeginning = true;
  for (let at = 0; at < source.length; at += 1) {
    const character = source.charAt(at);
    if (COUNTED.has(character)) {
      count += 1;
      if (count > MAX_SYNTAX) return { at, message: 'a policy document does not have so many parts' };
    }
    if (character === '\n') {
      [lineStart, entries, isIndenting, isBeginning] = [at + 1, 0, true, true];
      continue;
    }
    // Those of texts cannot be told from others without parsing; what patterns escape is never one.
    if ((character === '[' || character === '{') && source[at - 1] !== '\\') depth += 1;
    if ((character === ']' || character === '}') && depth > 0) depth -= 1;
    if (depth > MAX_DEPTH) return { at, message: `brackets are nested more than ${MAX_DEPTH} deep` };
    if (isIndenting && character !== ' ') isIndenting = false;
    if (isIndenting && at - lineStart >= MAX_INDENTATION) {
      return { at, message: `a line is indented by more than ${MAX_INDENTATION}` };
    }
    if (!isBeginning || character === ' ') continue;
    isBeginning = BEGINS.has(character) && /\s/.test(source.charAt(at + 1));
    if (isBeginning) entries += 1;
    if (entries > MAX_ENTRIES_A_LINE) {
      return { at, message: `a line begins with more than ${MAX_ENTRIES_A_LINE} entries` };
    }
  }
  return undefined;
}
