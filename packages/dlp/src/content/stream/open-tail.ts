/** A quoted value behind a name that announces a secret may hold spaces; so long it is waited for. */
const LONGEST_QUOTED = 200;
/** Values of several words: recovery phrases of wallets and passwords in groups, behind what announces them. */
const WORDS_BEHIND_NAME =
  /(?:mnemonic|(?:seed|recovery|secret)[ _-]?(?:phrase|words)|app[ _-]?password)(?:[^A-Za-z0-9\n]{0,4}(?:is|are|to|string|phrase)?){0,3}[^A-Za-z0-9]{0,4}((?:[a-z]{3,8}[ ,\n]{1,2}){0,24}[a-z]{0,8})$/i;
const LONGEST_PHRASE = 320;
/** A day of birth with its month in letters is three words or more. */
const BEHIND_BIRTH =
  /(?:born|birth|dob|geboren|geburtsdatum|naissance|nacimiento|nacid[oa]|nascita|nat[oa] il)([^\n]{0,44})$/i;
/** Groups of a number, of an account or of a phone, at most. */
const MOST_GROUPS = 12;
const LONGEST_GROUP = 24;

const SECRET_NAME =
  /(?:pass|pwd|secret|token|key|cred|auth)[\w.-]{0,24}["']?\s{0,3}(?:=>|:=|[:=])\s{0,3}["'`]$/i;

/**
 * From where the end of a text may still grow into something sensitive when more text comes; the length of the text
 * when nothing can. Prose is held back by one word; so that a stream flows, the rule knows the shapes that findings
 * have: one word, groups of digits, armoured keys, quoted values behind telling names.
 *
 * @param phrases words of custom dictionaries, in lower case, that hold white space
 */
export function openTail(text: string, phrases: readonly string[] = []): number {
  const word = wordStart(text, text.length);
  let open = groupsStart(text, word);
  open = Math.min(open, armourStart(text, open));
  open = Math.min(open, quotedStart(text, open));
  open = Math.min(open, namedWordsStart(text));
  open = Math.min(open, numberStart(text));
  for (const phrase of phrases) open = Math.min(open, phraseStart(text, phrase));
  return open;
}

/** Keys over several lines: how they begin and how they end. */
const ARMOURS: readonly (readonly [begin: string, end: RegExp])[] = [
  ['-----BEGIN', /-----END[^-]{0,60}-----/],
  ['---- BEGIN', /---- END[^-]{0,60}----/],
  ['PuTTY-User-Key-File', /Private-MAC: [0-9a-f]{1,64}[^0-9a-f]/],
];

function armourStart(text: string, open: number): number {
  for (const [begin, end] of ARMOURS) {
    const start = text.lastIndexOf(begin, open);
    if (start !== -1 && start < open && !end.test(text.slice(start + begin.length))) return start;
  }
  return open;
}

function isSpace(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return (
    unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || unit === 0xa0 || unit === 0x202f || unit === 0x3000
  );
}

/** Start of the run without white space that ends at `end`. */
function wordStart(text: string, end: number): number {
  let at = end;
  while (at > 0 && !isSpace(text, at - 1)) at--;
  return at;
}

/** `4111 1111 `, `DE89 3704`, `+49 (0) 30`: words with digits, or short ones in capitals, that stand in a row. */
function groupsStart(text: string, word: number): number {
  let open = word;
  let end = word;
  for (let groups = 0; groups < MOST_GROUPS; groups++) {
    let spaces = 0;
    while (end > 0 && isSpace(text, end - 1) && spaces <= 2) {
      end--;
      spaces++;
    }
    if (end === 0 || spaces > 2) break;
    const start = wordStart(text, end);
    if (
      end - start > LONGEST_GROUP ||
      !/\d|^[A-Z]{1,4}(?:-[A-Z]{1,2})?$|^[-–/.()+]$/.test(text.slice(start, end))
    )
      break;
    open = start;
    end = start;
  }
  return open;
}

/** Words behind a number that say what it is (`… is my social security number`) are waited for so long. */
const LATE_CONTEXT = 40;
const NUMBER = /[A-Za-z]{0,2}\d(?:[ ./-]?\d){5,33}/g;

/** Start of a longer number that ended a few words ago. */
function numberStart(text: string): number {
  const from = Math.max(0, text.length - LATE_CONTEXT - 48);
  for (const match of text.slice(from).matchAll(NUMBER)) {
    const start = from + match.index;
    if (start + match[0].length > text.length - LATE_CONTEXT) return start;
  }
  return text.length;
}

function quotedStart(text: string, open: number): number {
  const from = Math.max(0, text.length - LONGEST_QUOTED);
  for (const quote of ['"', "'", '`']) {
    const last = text.lastIndexOf(quote, open - 1);
    if (last >= from && SECRET_NAME.test(text.slice(Math.max(0, last - 64), last + 1))) return last;
  }
  return open;
}

function namedWordsStart(text: string): number {
  const tail = text.slice(-LONGEST_PHRASE);
  const words = WORDS_BEHIND_NAME.exec(tail)?.[1] ?? BEHIND_BIRTH.exec(tail.slice(-64))?.[1] ?? '';
  return text.length - words.length;
}

function phraseStart(text: string, phrase: string): number {
  const from = Math.max(0, text.length - phrase.length + 1);
  const tail = text.slice(from).toLowerCase();
  for (let at = 0; at < tail.length; at++) if (phrase.startsWith(tail.slice(at))) return from + at;
  return text.length;
}
