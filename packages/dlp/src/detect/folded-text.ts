import { hasUnitOf, type TextUnits, unitTable } from '../match/text-units.ts';

/** Text in which look-alikes that models read as ASCII are written as ASCII, and where each unit came from. */
export interface FoldedText {
  text: string;
  /** Offset in the original of every unit of the folded text, and of its end. */
  origins: Uint32Array;
}

/**
 * What hides a secret from a search: characters that show nothing (formatting, variation selectors, tags), fullwidth
 * forms, mathematical letters, digits of other scripts, Greek and Cyrillic letters inside of Latin words, and
 * typographic dashes and spaces where a number or token goes on behind them. Ordinary typography is none of it.
 */
const SUSPICIOUS =
  /[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF\uFF01-\uFF5E]|[A-Za-z0-9_-][\uFE00-\uFE0F][A-Za-z0-9_-]|\uD835[\uDC00-\uDFFF]|\uDB40[\uDC00-\uDDEF]|[0-9][\u2010-\u2015\u2212\u00A0\u2000-\u200A\u202F\u205F\u3000][0-9]|[\u2010-\u2015\u2212][A-Za-z0-9_-]{12}|[A-Za-z0-9_][\u0391-\u03C9\u0400-\u045F]|[\u0391-\u03C9\u0400-\u045F][A-Za-z0-9_]|(?:[\u0660-\u0669\u06F0-\u06F9\u0966-\u096F\u09E6-\u09EF\u0A66-\u0A6F\u0AE6-\u0AEF\u0BE6-\u0BEF\u0C66-\u0C6F\u0CE6-\u0CEF\u0D66-\u0D6F\u0E50-\u0E59\u0ED0-\u0ED9\u1040-\u1049\u17E0-\u17E9\u1810-\u1819][ -]?){4}/;
/** All units that the expression above can end at, from and to: looked for first, since most texts have none of them. */
const TELLING_RANGES: readonly [number, number][] = [
  [0xa0, 0xa0],
  [0xad, 0xad],
  [0x391, 0x3c9],
  [0x400, 0x45f],
  [0x61c, 0x1819],
  [0x2000, 0x2015],
  [0x202a, 0x202f],
  [0x205f, 0x2064],
  [0x2212, 0x2212],
  [0x3000, 0x3000],
  [0xd835, 0xd835],
  [0xdb40, 0xdb40],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xff01, 0xff5e],
];
const TELLING_UNITS = unitTable();
for (const [from, to] of TELLING_RANGES) TELLING_UNITS.fill(1, from, to + 1);
const TELLING = new RegExp(
  `[${TELLING_RANGES.map((range) => range.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('-')).join('')}]`,
  'g',
);
const INVISIBLE =
  /[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF]|[\uFE00-\uFE0F]|[\u{E0000}-\u{E01EF}]/u;
const DASH = /[\u2010-\u2015\u2212]/;
const SPACE = /[\u00A0\u2000-\u200A\u202F\u205F\u3000]/;
/** The zeros of scripts with digits of their own; the other nine follow each (Unicode, General_Category Nd). */
const ZEROS = [
  0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0x1040, 0x17e0, 0x1810,
];
/** Letters that look like Latin ones (Unicode Technical Standard 39, single characters). */
const LOOK_ALIKES = new Map([
  ...zip(
    '\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0405\u0406\u0408',
    'ABEKMHOPCTXSIJ',
  ),
  ...zip('\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458', 'aeopcyxsij'),
  ...zip(
    '\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7',
    'ABEZHIKMNOPTYX',
  ),
  ...zip('\u03bf\u03bd\u03b1\u03c1', 'ovap'),
]);

function zip(from: string, to: string): [number, number][] {
  return [...from].map((letter, index): [number, number] => [letter.charCodeAt(0), to.charCodeAt(index)]);
}

/** Lone surrogates come out as U+FFFD, one unit for one unit: offsets hold. */
const decoder = new TextDecoder('utf-16le', { ignoreBOM: true });

/** Tags (U+E0000–E007F) show nothing and stand for ASCII, which models read: a whole text can be written in them. */
const TAGS = /\uDB40[\uDC20-\uDC7E]/;

/** Whether there is anything that could make the text one to be folded: the usual case is that there is not. */
export function mayNeedFolding(units: TextUnits): boolean {
  return hasUnitOf(TELLING_UNITS, units);
}

/** @returns the ways in which the text may be read; none when nothing in it is anything but ordinary typography */
export function foldText(text: string): FoldedText[] {
  if (!isSuspicious(text)) return [];
  return TAGS.test(text) ? [fold(text, false), fold(text, true)] : [fold(text, false)];
}

/** So many characters are looked at with their neighbours alone; in a text with more all of it is. */
const MOST_NEIGHBOURHOODS = 32;
/** What the expressions look at, before and behind a telling character. */
const [BEFORE, BEHIND] = [1, 16];

function isSuspicious(text: string): boolean {
  TELLING.lastIndex = 0;
  for (let round = 0; round < MOST_NEIGHBOURHOODS; round++) {
    const at = TELLING.exec(text)?.index;
    if (at === undefined) return false;
    if (SUSPICIOUS.test(text.slice(Math.max(0, at - BEFORE), at + BEHIND))) return true;
  }
  return SUSPICIOUS.test(text.slice(Math.max(0, TELLING.lastIndex - BEHIND)));
}

function fold(text: string, readTags: boolean): FoldedText {
  const units = new Uint16Array(text.length);
  const origins = new Uint32Array(text.length + 1);
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    origins[length] = index;
    if (code < 0x80) {
      units[length++] = code;
      continue;
    }
    const point = text.codePointAt(index) ?? 0;
    const isTag = point >= 0xe0020 && point <= 0xe007e;
    const folded = isTag && readTags ? point - 0xe0000 : foldPoint(point);
    if (folded !== NOTHING) units[length++] = folded === KEEP ? code : folded;
    // The second half of a pair went with the first, unless both are kept.
    if (folded !== KEEP && point > 0xffff) index++;
  }
  origins[length] = text.length;
  return { text: decoder.decode(units.subarray(0, length)), origins };
}

const KEEP = -1;
const NOTHING = -2;
/** What was found out about the basic plane: 0 for not yet, else one more than the answer plus two. */
const known = new Uint8Array(1 << 16);

/** @returns the code it is read as, `KEEP` for itself, `NOTHING` for what shows nothing */
function foldPoint(point: number): number {
  const before = known[point];
  if (before !== undefined && before > 0) return before - 3;
  const folded = judge(String.fromCodePoint(point), point);
  if (point <= 0xffff) known[point] = folded + 3;
  return folded;
}

function judge(character: string, point: number): number {
  if (INVISIBLE.test(character)) return NOTHING;
  if (DASH.test(character)) return 45;
  if (SPACE.test(character)) return 32;
  const zero = ZEROS.find((first) => point >= first && point < first + 10);
  if (zero !== undefined) return 48 + point - zero;
  const normal = character.normalize('NFKC');
  if (normal.length === 1 && normal.charCodeAt(0) < 128) return normal.charCodeAt(0);
  return LOOK_ALIKES.get(point) ?? KEEP;
}
