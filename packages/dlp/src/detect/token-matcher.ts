import { shannonEntropy } from '../entropy/shannon.ts';
import { ANYTHING_BEFORE, BEFORE, kindOfUnit } from '../match/keyword-automaton.ts';
import type { TokenDetector } from './detector.ts';

/** Where a token detector's secret is. */
export interface Span {
  start: number;
  end: number;
}

/** A token detector, ready to be tried at a place. */
export interface TokenMatcher {
  detector: TokenDetector;
  /** What may stand before its mark, bits of `BEFORE`. */
  before: number;
  /** @param keywordStart where the mark begins in the text */
  matchAt(text: string, keywordStart: number): Span | undefined;
}

const EDGE_BEFORE = '(?<![A-Za-z0-9])';
const EDGE_AFTER = '(?![A-Za-z0-9])';

/** Compiles the pattern to match at one index only: what a search would try elsewhere costs nothing. */
export function tokenMatcher(detector: TokenDetector): TokenMatcher {
  // A pattern that begins with punctuation has its edge in itself.
  const hasEdge = !/^(?:\[?[:;?&|]|\(\?<|-)/.test(detector.pattern);
  const before = hasEdge ? EDGE_BEFORE : '';
  const after = /[)\]}\w]$/.test(detector.pattern) ? EDGE_AFTER : '';
  const flags = detector.ignoreCase ? 'yi' : 'y';
  const source = `${before}(?:${detector.pattern})${after}`;
  const fast = new RegExp(source, flags);
  // Indices of groups are costly, so they are asked for only once there is a match.
  const exact = new RegExp(source, `${flags}d`);
  const startOf = leadOf(detector);
  const { entropy = 0, validate } = detector;
  return {
    detector,
    before: kindsBefore(detector, hasEdge),
    matchAt(text, keywordStart) {
      const start = startOf(text, keywordStart);
      // Most marks stand inside of words; that is seen without an expression.
      if (start < 0 || (hasEdge && start > 0 && isAlphanumeric(text.charCodeAt(start - 1)))) return undefined;
      fast.lastIndex = start;
      if (!fast.test(text)) return undefined;
      exact.lastIndex = start;
      const [whole, ...groups] = exact.exec(text)?.indices ?? [];
      const span = groups.find((indices) => indices !== undefined) ?? whole;
      if (!span) return undefined;
      const secret = text.slice(span[0], span[1]);
      if (entropy > 0 && shannonEntropy(variablePart(secret)) < entropy) return undefined;
      if (/[xX*.]{12}/.test(secret) || (validate && !validate(secret))) return undefined;
      return { start: span[0], end: span[1] };
    },
  };
}

function kindsBefore({ lead = 0 }: TokenDetector, hasEdge: boolean): number {
  if (typeof lead === 'number') return lead === 0 && hasEdge ? BEFORE.other : ANYTHING_BEFORE;
  let kinds = 0;
  for (let code = 0; code < 128; code++)
    if (lead.characters.test(String.fromCharCode(code))) kinds |= kindOfUnit(code);
  return kinds;
}

function isAlphanumeric(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90);
}

/** The prefix of a token says nothing about its randomness. */
function variablePart(secret: string): string {
  return secret.length > 24 ? secret.slice(secret.length >> 2) : secret;
}

function leadOf({ lead = 0 }: TokenDetector): (text: string, keywordStart: number) => number {
  if (typeof lead === 'number') return (_, keywordStart) => keywordStart - lead;
  const allowed = new Uint8Array(128);
  for (let code = 0; code < 128; code++)
    allowed[code] = lead.characters.test(String.fromCharCode(code)) ? 1 : 0;
  return (text, keywordStart) => {
    const furthest = Math.max(0, keywordStart - lead.most);
    let start = keywordStart;
    while (start > furthest && allowed[text.charCodeAt(start - 1)] === 1) start--;
    return start === keywordStart ? -1 : start;
  };
}
