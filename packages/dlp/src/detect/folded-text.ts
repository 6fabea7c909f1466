/** Text in which look-alikes that models read as ASCII are written as ASCII, and where each unit came from. */
export interface FoldedText {
  text: string;
  /** Offset in the original of every unit of the folded text, and of its end. */
  origins: Uint32Array;
}

/** Zero-width and formatting characters, fullwidth forms, mathematical letters, dashes and odd spaces. */
const SUSPICIOUS =
  /\u034F|[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFE00-\uFE0F\uFEFF\uFF01-\uFF5E\u2010-\u2015\u2212\u00A0\u2000-\u200A\u202F\u205F\u3000]|\uD835[\uDC00-\uDFFF]/;
const INVISIBLE = /\u034F|[\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFE00-\uFE0F\uFEFF]/;
const DASH = /[\u2010-\u2015\u2212]/;
const SPACE = /[\u00A0\u2000-\u200A\u202F\u205F\u3000]/;

/** @returns undefined when the text has no such character: the usual case, one pass of a regular expression */
export function foldText(text: string): FoldedText | undefined {
  if (!SUSPICIOUS.test(text)) return undefined;
  const pieces: string[] = [];
  const origins = new Uint32Array(text.length + 1);
  let length = 0;
  for (let index = 0; index < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(index) ?? 0);
    const folded = foldCharacter(character);
    for (let unit = 0; unit < folded.length; unit++)
      origins[length++] = index + Math.min(unit, character.length - 1);
    pieces.push(folded);
    index += character.length;
  }
  origins[length] = text.length;
  return { text: pieces.join(''), origins };
}

function foldCharacter(character: string): string {
  if (character.length === 1 && character.charCodeAt(0) < 0xa0) return character;
  if (INVISIBLE.test(character)) return '';
  if (DASH.test(character)) return '-';
  if (SPACE.test(character)) return ' ';
  const normal = character.normalize('NFKC');
  return normal.length === 1 && normal.charCodeAt(0) < 128 ? normal : character;
}
