import { RE2JS } from 're2js';
import { standsAlone } from '../detect/context-words.ts';
import { type Candidate, USER_RULE } from '../detect/resolve-overlaps.ts';
import { KeywordAutomaton } from '../match/keyword-automaton.ts';
import type { CustomRule, DictionaryRule, FingerprintRule, PatternRule } from './custom-rule.ts';
import { forEachShingle } from './fingerprint-document.ts';

export interface CompiledCustomRules {
  find(text: string): Candidate[];
}

type Find = (text: string, found: (start: number, end: number) => void) => void;

/** @throws TypeError naming the rule that cannot be compiled */
export function compileCustomRules(rules: readonly CustomRule[]): CompiledCustomRules {
  const compiled = rules.map((rule) => ({ rule, find: compile(rule) }));
  return {
    find(text) {
      const candidates: Candidate[] = [];
      for (const { rule, find } of compiled)
        find(text, (start, end) => {
          const { id: detector, severity, category = 'custom' } = rule;
          candidates.push({ detector, category, severity, confidence: 1, start, end, rank: USER_RULE });
        });
      return candidates;
    },
  };
}

function compile(rule: CustomRule): Find {
  switch (rule.kind) {
    case 'pattern':
      return compilePattern(rule);
    case 'dictionary':
      return compileDictionary(rule);
    case 'fingerprint':
      return compileFingerprint(rule);
  }
}

function compilePattern({ id, pattern, ignoreCase, keywords }: PatternRule): Find {
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (cause) {
    throw new TypeError(`The rule ${id} is not an expression in RE2 syntax.`, { cause });
  }
  const find: Find = (text, found) => {
    const matcher = expression.matcher(text);
    while (matcher.find()) if (matcher.end() > matcher.start()) found(matcher.start(), matcher.end());
  };
  return keywords === undefined ? find : nearWords(find, compileDictionary({ phrases: keywords }));
}

/** Characters between a finding and the word that makes it one. */
const NEAR = 100;

/** One pass over the words and a search in what it found: neither multiplies with the number of matches. */
function nearWords(find: Find, findWords: Find): Find {
  return (text, found) => {
    const words: number[] = [];
    findWords(text, (start) => words.push(start));
    if (words.length === 0) return;
    words.sort((left, right) => left - right);
    find(text, (start, end) => {
      let [low, high] = [0, words.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((words[middle] ?? 0) < start - NEAR) low = middle + 1;
        else high = middle;
      }
      const next = words[low];
      if (next !== undefined && next <= end + NEAR) found(start, end);
    });
  };
}

function compileDictionary({ phrases }: Pick<DictionaryRule, 'phrases'>): Find {
  const ascii = phrases
    .filter((phrase) => /^[\x20-\x7E]+$/.test(phrase))
    .map((phrase) => phrase.toLowerCase());
  const others = phrases
    .filter((phrase) => !/^[\x20-\x7E]+$/.test(phrase))
    .map((phrase) => phrase.toLowerCase());
  const automaton = new KeywordAutomaton([...new Set(ascii)]);
  return (text, found) => {
    automaton.search(text, (keyword, end) => {
      const start = end - (automaton.keywords[keyword]?.length ?? 0);
      if (isWord(text, start, end)) found(start, end);
    });
    if (others.length === 0) return;
    const lower = text.toLowerCase();
    // Some capitals become two units in lower case; offsets would be off, so such a text is searched as written.
    const searched = lower.length === text.length ? lower : text;
    for (const phrase of others)
      for (let at = searched.indexOf(phrase); at !== -1; at = searched.indexOf(phrase, at + phrase.length))
        found(at, at + phrase.length);
  };
}

function isWord(text: string, start: number, end: number): boolean {
  return (
    standsAlone(text, start, end) &&
    !/[A-Za-z0-9]/.test(text[end] ?? ' ') &&
    !/[A-Za-z0-9]/.test(text[start - 1] ?? ' ')
  );
}

/** Runs that follow each other within this distance are one quotation. */
const NEIGHBOURHOOD = 200;
const LONGEST_QUOTATION = 4_000;

function compileFingerprint({ shingles, least = 3 }: FingerprintRule): Find {
  const known = new Set(shingles);
  return (text, found) => {
    let open: { start: number; end: number; count: number } | undefined;
    const close = () => {
      if (open && open.count >= least) found(open.start, open.end);
    };
    forEachShingle(text, ({ hash, start, end }) => {
      if (!known.has(hash)) return;
      if (open && start - open.end <= NEIGHBOURHOOD && end - open.start <= LONGEST_QUOTATION) {
        open.end = end;
        open.count++;
      } else {
        close();
        open = { start, end, count: 1 };
      }
    });
    close();
  };
}
