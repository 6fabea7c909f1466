import { BITCOIN_ADDRESS } from '../detectors/payment-and-contact.ts';
import { LEAST_UNKNOWN, looksLikeUnknownSecret } from '../entropy/unknown-token.ts';
import { ANYTHING_BEFORE, BEFORE, KeywordAutomaton } from '../match/keyword-automaton.ts';
import { readUnits, type TextUnits } from '../match/text-units.ts';
import { ibanLength } from '../validate/iban.ts';
import { type AssignedMatcher, assignedMatcher } from './assigned-matcher.ts';
import { type Assignment, readAssignment } from './assignment.ts';
import { ContextWords, standsAlone } from './context-words.ts';
import type { Detector, NumberDetector } from './detector.ts';
import { mayNeedFolding } from './folded-text.ts';
import { ForeignWords, isForeignWord } from './foreign-words.ts';
import { findLongTokens } from './long-tokens.ts';
import { findNumberGroups, type NumberGroup } from './number-groups.ts';
import { type NumberMatcher, numberMatcher } from './number-matcher.ts';
import { PublishedAddresses } from './published-address.ts';
import type { Candidate } from './resolve-overlaps.ts';
import { isSecretValue, SECRET_NAMES } from './secret-name.ts';
import { type Span, type TokenMatcher, tokenMatcher } from './token-matcher.ts';

/** What one keyword sets off. */
interface Trigger {
  length: number;
  tokens: (TokenMatcher & { rank: number })[];
  assigned: (AssignedMatcher & { rank: number })[];
  secretName: boolean;
  contextWord: number | undefined;
}

type RankedNumber = NumberMatcher & { rank: number; words: number[] };

const CONTEXT_BEFORE = 72;
const CONTEXT_AFTER = 40;
/** Confidence of a number that is the whole text: a checksum, and nobody who says what it is. */
const ALONE = 0.4;
const LEAST_DIGITS = 2;
const LONGEST_ALONE = 40;

const ASSIGNED_SECRET = {
  detector: 'assigned-secret',
  category: 'credential',
  severity: 'high',
  confidence: 0.75,
} as const;
const UNKNOWN_SECRET = {
  detector: 'unknown-secret',
  category: 'unknown-secret',
  severity: 'medium',
  confidence: 0.5,
} as const;
const IBAN = { detector: 'iban', category: 'payment', severity: 'high', confidence: 1 } as const;

/** What a scanner is told apart from its detectors. */
export interface CompiledSettings {
  unknownSecrets: boolean;
  anyLoneNumber: boolean;
  skipPublished: boolean;
}

/** All detectors of one scanner behind one keyword search, one walk over digits and one over long tokens. */
export class CompiledDetectors {
  readonly #triggers: Trigger[] = [];
  readonly #automaton: KeywordAutomaton;
  readonly #numbers: RankedNumber[];
  /** Those that need no word beside them. */
  readonly #anywhere: readonly RankedNumber[];
  readonly #context: ContextWords;
  readonly #foreignWords: ForeignWords;
  readonly #bitcoin: TokenMatcher | undefined;
  readonly #unknownSecrets: boolean;
  readonly #anyLoneNumber: boolean;
  readonly #published: PublishedAddresses | undefined;
  readonly #iban: boolean;
  readonly #lastRank: number;
  /** Rank of a token detector → end of what it found last. */
  readonly #coveredTo: Float64Array;
  /** Context word → numbers that ask for it, by their index in `#numbers`. */
  readonly #numbersOfWord: readonly (readonly number[])[];

  constructor(detectors: readonly Detector[], settings: CompiledSettings) {
    const { unknownSecrets, skipPublished } = settings;
    const keywords = new Map<string, Trigger>();
    const words = new Map<string, number>();
    const trigger = (keyword: string): Trigger => {
      const known = keywords.get(keyword);
      if (known) return known;
      const added: Trigger = {
        length: keyword.length,
        tokens: [],
        assigned: [],
        secretName: false,
        contextWord: undefined,
      };
      keywords.set(keyword, added);
      return added;
    };
    const wordIndex = (word: string): number => {
      const index = words.get(word) ?? words.size;
      words.set(word, index);
      if (isForeignWord(word)) return index;
      trigger(word).contextWord = index;
      return index;
    };
    this.#numbers = [];
    for (const [rank, detector] of detectors.entries()) {
      if (detector.kind === 'token') {
        const matcher = { ...tokenMatcher(detector), rank };
        for (const keyword of detector.keywords) trigger(keyword).tokens.push(matcher);
      } else if (detector.kind === 'assigned') {
        const matcher = { ...assignedMatcher(detector), rank };
        for (const name of detector.names) trigger(name).assigned.push(matcher);
      } else this.#numbers.push({ ...numberMatcher(detector), rank, words: detector.context.map(wordIndex) });
    }
    if (unknownSecrets) for (const name of SECRET_NAMES) trigger(name).secretName = true;
    this.#numbers.sort((left, right) => left.detector.digits[0] - right.detector.digits[0]);
    this.#anywhere = this.#numbers.filter(({ detector }) => detector.where === 'anywhere');
    this.#unknownSecrets = unknownSecrets;
    this.#anyLoneNumber = settings.anyLoneNumber;
    this.#published = skipPublished ? new PublishedAddresses() : undefined;
    this.#iban = this.#numbers.length > 0;
    this.#bitcoin = detectors.some(({ category }) => category === 'wallet')
      ? tokenMatcher(BITCOIN_ADDRESS)
      : undefined;
    this.#automaton = new KeywordAutomaton([...keywords.keys()], [...keywords.values()].map(beforeTrigger));
    this.#triggers = [...keywords.values()];
    this.#foreignWords = new ForeignWords(words);
    this.#context = new ContextWords(words.size);
    this.#lastRank = detectors.length;
    this.#coveredTo = new Float64Array(detectors.length);
    this.#numbersOfWord = Array.from({ length: words.size }, (_, word) =>
      this.#numbers.flatMap((matcher, index) => (matcher.words.includes(word) ? [index] : [])),
    );
  }

  /** Adds what it finds. @returns whether the text may have to be folded and looked through again */
  find(text: string, candidates: Candidate[]): boolean {
    const units = readUnits(text);
    this.#context.clear();
    this.#published?.clear();
    this.#coveredTo.fill(0);
    const bits = this.#findByKeywords(text, units, candidates);
    if (bits >= 128) this.#foreignWords.find(text, units, this.#context);
    this.#findNumbers(text, units, candidates);
    if (this.#unknownSecrets || this.#bitcoin) this.#findLongTokens(text, units, candidates);
    return bits >= 128 && mayNeedFolding(units);
  }

  /** Detectors that need a word beside the number are left out at once when the text has none of their words. */
  #findNumbers(text: string, units: TextUnits, candidates: Candidate[]): void {
    if (this.#numbers.length === 0) return;
    // Most texts have no number that is long enough.
    let active: readonly RankedNumber[] | undefined;
    findNumberGroups(units, LEAST_DIGITS, (group) => {
      active ??= this.#activeNumbers(text);
      this.#judgeGroup(text, group, active, candidates);
    });
  }

  #activeNumbers(text: string): readonly RankedNumber[] {
    if (text.length <= LONGEST_ALONE) return this.#numbers;
    const called = new Set<number>();
    for (const word of this.#context.seen)
      for (const index of this.#numbersOfWord[word] ?? []) called.add(index);
    if (called.size === 0) return this.#anywhere;
    return this.#numbers.filter(({ detector }, index) => detector.where === 'anywhere' || called.has(index));
  }

  /** @returns the bits that any unit of the text has */
  #findByKeywords(text: string, units: TextUnits, candidates: Candidate[]): number {
    let assignmentEnd = -1;
    let assignment: Assignment | undefined;
    return this.#automaton.searchUnits(units, (keyword, end) => {
      const trigger = this.#triggers[keyword];
      if (!trigger) return;
      const start = end - trigger.length;
      for (const matcher of trigger.tokens) {
        // A mark inside what this detector found already begins nothing new, and a flood of marks costs little.
        if (start < (this.#coveredTo[matcher.rank] ?? 0)) continue;
        const span = matcher.matchAt(text, start);
        if (!span) continue;
        this.#coveredTo[matcher.rank] = span.end;
        if (matcher.detector.unlessPublished && this.#published?.has(text, span.start, span.end)) continue;
        candidates.push(candidateOf(matcher.detector, span.start, span.end, matcher.rank));
      }
      if (trigger.contextWord !== undefined && standsAlone(text, start, end))
        this.#context.add(trigger.contextWord, start);
      if (!trigger.secretName && trigger.assigned.length === 0) return;
      if (trigger.assigned.length > 0 && !standsAlone(text, start, end) && !trigger.secretName) return;
      if (!assignment || end > assignmentEnd || start < assignment.valueStart - 200) {
        assignment = readAssignment(text, start, end);
        assignmentEnd = assignment?.valueStart ?? -1;
      }
      if (assignment) this.#judgeAssignment(text, start, assignment, trigger, candidates);
    });
  }

  #judgeAssignment(
    text: string,
    keywordStart: number,
    assignment: Assignment,
    trigger: Trigger,
    candidates: Candidate[],
  ): void {
    const { valueStart, valueEnd } = assignment;
    const value = text.slice(valueStart, valueEnd);
    for (const matcher of trigger.assigned)
      if (matcher.matches(assignment, value))
        candidates.push(candidateOf(matcher.detector, valueStart, valueEnd, matcher.rank));
    // Checksums of lock files, and tokens of badges, which are made to be shown.
    if (/(?:h1|sha\d{1,3})[:=-]$|\.svg\?token=$/.test(text.slice(Math.max(0, valueStart - 12), valueStart)))
      return;
    if (
      trigger.secretName &&
      isSecretValue(assignment, value) &&
      !CHECKSUM_OF.test(text.slice(Math.max(0, keywordStart - 40), keywordStart))
    )
      candidates.push({ ...ASSIGNED_SECRET, start: valueStart, end: valueEnd, rank: this.#lastRank });
  }

  #judgeGroup(
    text: string,
    group: NumberGroup,
    active: readonly RankedNumber[],
    candidates: Candidate[],
  ): void {
    const from = Math.max(0, group.start - 5);
    const to = Math.min(text.length, group.end + 5);
    if (this.#iban) this.#findIban(text, group.start, candidates);
    const window = text.slice(from, to);
    const wholeText = text.length <= LONGEST_ALONE && text.trim().length <= group.end - group.start + 6;
    for (const matcher of active) {
      const { detector, words } = matcher;
      if (group.digits < detector.digits[0]) break;
      if (group.letters < (detector.letters ?? 0)) continue;
      const near = this.#isNear(words, group);
      const alone =
        !near && wholeText && (detector.alone === true || this.#anyLoneNumber) && !isTimestamp(text);
      if (!near && !alone && detector.where === 'near') continue;
      matcher.matchIn(window, from, near, (span) => {
        // `id=4111…` in an address is an id, `card=4111…` a card.
        if (!near && text[span.start - 1] === '=') return;
        if (!near && alone && detector.where === 'near' && span.end - span.start < text.trim().length) return;
        if (!near && detector.allows && !allows(detector, text, span)) return;
        const confidence = confidenceOf(detector, near);
        candidates.push({ ...candidateOf(detector, span.start, span.end, matcher.rank), confidence });
      });
    }
  }

  #isNear(words: readonly number[], group: NumberGroup): boolean {
    for (const word of words)
      if (this.#context.isBetween(word, group.start - CONTEXT_BEFORE, group.end + CONTEXT_AFTER)) return true;
    return false;
  }

  #findIban(text: string, start: number, candidates: Candidate[]): void {
    if (!/[A-Za-z]{2}/.test(text.slice(start, start + 2))) return;
    const length = ibanLength(text.slice(start, start + 48));
    const before = text[start - 1] ?? ' ';
    if (length > 0 && !/[A-Za-z0-9]/.test(before) && !/[A-Za-z0-9]/.test(text[start + length] ?? ' '))
      candidates.push({ ...IBAN, start, end: start + length, rank: this.#lastRank });
  }

  #findLongTokens(text: string, units: TextUnits, candidates: Candidate[]): void {
    findLongTokens(units, LEAST_UNKNOWN, ({ start, end }) => {
      const address = end - start <= 40 ? this.#bitcoin?.matchAt(text, start) : undefined;
      if (address && this.#bitcoin)
        candidates.push(candidateOf(this.#bitcoin.detector, address.start, address.end, this.#lastRank));
      else if (this.#unknownSecrets && this.#isUnknownSecret(text, start, end))
        candidates.push({ ...UNKNOWN_SECRET, start, end, rank: this.#lastRank + 1 });
    });
  }

  #isUnknownSecret(text: string, start: number, end: number): boolean {
    if (end - start > 200) return false;
    const before = text.slice(Math.max(0, start - 32), start);
    return (
      looksLikeUnknownSecret(text.slice(start, end), before, text[end] ?? '') &&
      !isLineOfBlock(text, start, end)
    );
  }
}

/** `checksum/secret: 4f2d…`: what deployments write so that a changed secret restarts them. */
const CHECKSUM_OF = /checksum\/[\w.-]{0,30}$/i;

/** What may stand before a keyword so that anything it sets off can come of it. */
function beforeTrigger({ tokens, assigned, secretName, contextWord }: Trigger): number {
  if (secretName) return ANYTHING_BEFORE;
  const word =
    contextWord !== undefined || assigned.length > 0 ? BEFORE.other | BEFORE.digit | BEFORE.hump : 0;
  return tokens.reduce((kinds, { before }) => kinds | before, word);
}

/** Units before and behind a number that tell a list or a table from a number that means itself. */
const SURROUNDINGS = 24;

function allows({ allows: judge }: NumberDetector, text: string, { start, end }: Span): boolean {
  const before = text.slice(Math.max(0, start - SURROUNDINGS), start);
  return judge === undefined || judge(text.slice(start, end), before, text.slice(end, end + SURROUNDINGS));
}

/** Shortest full line of a block, UTF-16 units. */
const FULL_LINE = 48;

/** One of several full lines of the same length, or the rest behind them: base64 of certificates, mail, media. */
function isLineOfBlock(text: string, start: number, end: number): boolean {
  const length = end - start;
  const isBreak = (index: number) =>
    text[index] === '\n' || (text[index] === 'n' && text[index - 1] === '\\');
  if (length >= FULL_LINE && isBreak(end) && isBreak(end + 1 + length)) return true;
  if (!isBreak(start - 1)) return false;
  if (length >= FULL_LINE && isBreak(start - 1 - length - 1)) return true;
  const previous = text.lastIndexOf('\n', start - 2);
  const full = start - 1 - (previous + 1);
  return full > length && full >= FULL_LINE && full <= 100 && isBreak(previous - full - 1);
}

/** Seconds or milliseconds of this decade are numbers of ten and thirteen digits, too. */
function isTimestamp(text: string): boolean {
  return /^\s*1[5-9]\d{8}(?:\d{3})?\s*$/.test(text);
}

function confidenceOf(detector: NumberDetector, near: boolean): number {
  if (near) return Math.min(1, detector.confidence + 0.1);
  return detector.where === 'anywhere' ? detector.confidence : ALONE;
}

function candidateOf(
  { id, category, severity, confidence }: Detector,
  start: number,
  end: number,
  rank: number,
): Candidate {
  return { detector: id, category, severity, confidence, start, end, rank };
}
