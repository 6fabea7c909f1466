/** Text in which look-alikes that models read as ASCII are written as ASCII, and where each unit came from. */
export interface FoldedText {
  text: string;
  /** Offset in the original of every unit of the folded text, and of its end. */
  origins: Uint32Array;
}

/**
 * What hides a secret from a search: formatting characters that show nothing, fullwidth forms, mathematical letters,
 * and typographic dashes and spaces where a number or token goes on behind them. Ordinary typography is none of it.
 */
const SUSPICIOUS =
  /[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF\uFF01-\uFF5E]|\uD835[\uDC00-\uDFFF]|[0-9][\u2010-\u2015\u2212\u00A0\u2000-\u200A\u202F\u205F\u3000][0-9]|[\u2010-\u2015\u2212][A-Za-z0-9_-]{12}/;
/** All units that the expression above can end at: looked for first, since most texts have none of them. */
const TELLING =
  /[\u00A0\u00AD\u061C\u180E\u2000-\u2015\u202A-\u202F\u205F-\u2064\u2212\u3000\uD835\uFEFF\uFF01-\uFF5E]/;
const INVISIBLE = /[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF]/;
const DASH = /[\u2010-\u2015\u2212]/;
const SPACE = /[\u00A0\u2000-\u200A\u202F\u205F\u3000]/;
/** Lone surrogates come out as U+FFFD, one unit for one unit: offsets hold. */
const decoder = new TextDecoder('utf-16le', { ignoreBOM: true });

/** @returns undefined when the text has no such character: the usual case, one pass of a regular expression */
export function foldText(text: string): FoldedText | undefined {
  if (!TELLING.test(text) || !SUSPICIOUS.test(text)) return undefined;
  const units = new Uint16Array(text.length);
  const origins = new Uint32Array(text.length + 1);
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    origins[length] = index;
    if (code < 0x80) units[length++] = code;
    else {
      const folded = foldCharacter(String.fromCodePoint(text.codePointAt(index) ?? 0));
      if (folded === undefined) continue;
      units[length++] = folded === KEEP ? code : folded;
      if (folded !== KEEP && isHighSurrogate(code)) index++;
    }
  }
  origins[length] = text.length;
  return { text: decoder.decode(units.subarray(0, length)), origins };
}

const KEEP = -1;
const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;

/** @returns the code it is read as, `KEEP` for itself, undefined for nothing */
function foldCharacter(character: string): number | undefined {
  if (INVISIBLE.test(character)) return undefined;
  if (DASH.test(character)) return 45;
  if (SPACE.test(character)) return 32;
  const normal = character.normalize('NFKC');
  return normal.length === 1 && normal.charCodeAt(0) < 128 ? normal.charCodeAt(0) : KEEP;
}
