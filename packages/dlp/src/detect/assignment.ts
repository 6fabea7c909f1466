/** A name, an operator and a value, in any language that writes them in this order. */
export interface Assignment {
  /** The whole identifier around the keyword. */
  name: string;
  valueStart: number;
  valueEnd: number;
  quoted: boolean;
}

const LONGEST_NAME = 64;
const LONGEST_TAIL = 40;
const LONGEST_VALUE = 1_024;

const NAME_CHARACTER = 1;
const GAP = 2;
const OPERATOR = 4;
const QUOTE = 8;
const VALUE_END = 16;
const kinds = new Uint8Array(128);
function mark(characters: string, kind: number): void {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    kinds[code] = (kinds[code] ?? 0) | kind;
  }
}
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$', NAME_CHARACTER);
mark(' \t])\\*}/', GAP);
mark('=:>,|?(~+', OPERATOR);
mark('"\'`', QUOTE);
mark(' \t\r\n"\'`;,<>()[]{}|&', VALUE_END);

function kindAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? (kinds[code] ?? 0) : 0;
}

const VALUE_LINE =
  /(?:["',;]|<\/\w{1,40}>|\s){1,24}(?:- )?<?["']?(?:value|secret_value|default)["']?\s{0,2}[:=>]\s{0,3}/y;

/**
 * Reads on from a keyword inside a name: `KEYWORD_rest" := "value"`.
 *
 * @param from index after the keyword
 * @returns undefined unless an operator and a value follow within a few characters
 */
export function readAssignment(text: string, keywordStart: number, from: number): Assignment | undefined {
  const operator = skipNameTail(text, from);
  if (operator === undefined) return undefined;
  const value = readValue(text, operator);
  if (!value) return undefined;
  let nameStart = keywordStart;
  const furthest = Math.max(0, keywordStart - LONGEST_NAME);
  while (nameStart > furthest && kindAt(text, nameStart - 1) & NAME_CHARACTER) nameStart--;
  return { name: text.slice(nameStart, Math.min(operator, from + LONGEST_TAIL)), ...value };
}

/** Index after the operator, or after `value:` on the next line. */
function skipNameTail(text: string, from: number): number | undefined {
  const limit = Math.min(text.length, from + LONGEST_TAIL);
  let index = from;
  while (index < limit && kindAt(text, index) & (NAME_CHARACTER | GAP | QUOTE)) index++;
  if (kindAt(text, index) & OPERATOR) {
    if (text.charCodeAt(index) === 44) {
      const onNextLine = valueLineAt(text, index);
      if (onNextLine !== undefined) return onNextLine;
    }
    const furthest = index + 6;
    while (index < furthest && kindAt(text, index) & OPERATOR) index++;
    return index;
  }
  return valueLineAt(text, index);
}

function valueLineAt(text: string, index: number): number | undefined {
  VALUE_LINE.lastIndex = index;
  return VALUE_LINE.test(text) ? VALUE_LINE.lastIndex : undefined;
}

/** @param typed a type (`string = "…"`) may stand before the value; once, or a row of them would be read to its end */
function readValue(text: string, from: number, typed = true): Omit<Assignment, 'name'> | undefined {
  let start = from;
  const furthest = Math.min(text.length, from + 12);
  while (start < furthest && (kindAt(text, start) & QUOTE || ' \t\r\n=\\@[{('.includes(text[start] ?? 'x')))
    start++;
  const previous = text[start - 1] ?? '';
  const quote = kindAt(text, start - 1) & QUOTE ? previous : undefined;
  const valueEnd = quote === undefined ? bareEnd(text, start) : quotedEnd(text, start, quote);
  if (valueEnd === undefined || valueEnd === start) return undefined;
  if (quote === undefined && typed) {
    const type = /^[\w[\]<>.]{1,24}\s{0,2}:?=\s{0,2}(?=["'`])/.exec(text.slice(start, start + 32));
    if (type) return readValue(text, start + type[0].length, false);
  }
  return { valueStart: start, valueEnd, quoted: quote !== undefined };
}

function bareEnd(text: string, start: number): number {
  const furthest = Math.min(text.length, start + LONGEST_VALUE);
  let end = start;
  while (end < furthest && !(kindAt(text, end) & VALUE_END) && text.charCodeAt(end) !== 92) end++;
  while (end > start && '.:!?'.includes(text[end - 1] ?? 'x')) end--;
  return end;
}

function quotedEnd(text: string, start: number, quote: string): number | undefined {
  const furthest = Math.min(text.length, start + LONGEST_VALUE);
  for (let end = start; end < furthest; end++) {
    if (text[end] === quote) return text[end - 1] === '\\' ? end - 1 : end;
    if (text[end] === '\n') return end;
  }
  return furthest;
}
