/** A name, an operator and a value, in any language that writes them in this order. */
export interface Assignment {
  /** The whole identifier around the keyword. */
  name: string;
  valueStart: number;
  valueEnd: number;
  quoted: boolean;
  /** A sentence says it (`the password is …`), in which far more words stand than secrets. */
  spoken: boolean;
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
  if (code < 128) return kinds[code] ?? 0;
  // `contraseña`, `Schlüssel`: Latin letters beyond ASCII.
  return code >= 0xc0 && code <= 0x24f ? NAME_CHARACTER : 0;
}

const VALUE_LINE =
  /(?:["',;{]|<\/\w{1,40}>|\s){1,24}(?:(?:type|description|sensitive)\s{0,10}=[^\n]{0,80}\n\s{0,24}){0,3}(?:- )?<?["']?(?:value|secret_value|default)["']?\s{0,10}[:=>]\s{0,3}/y;
/** `"adminPassword": { "value": …` of templates and parameters. */
const NESTED_VALUE = /\s{0,2}\{\s{0,24}["']?(?:value|default)["']?\s{0,2}[:=]\s{0,2}/iy;
/** `Secret { get; set; } =` of C#. */
const PROPERTY = /\s?\{[ \w;]{4,40}\}\s?=\s?/y;
/** `--password VALUE`, `setx NAME VALUE`: a space is the operator. */
const FLAG = /^--?[A-Za-z]/;
const SETTER = /(?:^|[\s;&|"'`(])(?:setx|setenv|set -\w{1,3}|(?:config|configure) set)\s{1,2}$/;
const SPACES = /[ \t]{1,4}(?![-|>&])/y;
/** `storePassword "VALUE"` of Gradle, `PASSWORD 'VALUE'` of SQL. */
const SPACES_AND_QUOTE = /[ \t]{1,4}(?=["'])/y;
/** `the password for the database is VALUE`, in some languages. */
const SAYS =
  /["'`]?(?: (?:for|of|on|f\u00fcr|pour|para) [\w.@/-]{1,32}(?: [\w.@/-]{1,24})?)?[ \t]{1,2}(?:is|was|has been|to|lautet|ist|est|es)(?: now)?(?: (?:re)?set to| changed to)?:?[ \t\n]{1,2}/y;
/** What a value that no operator announces has to look like at first sight. */
const PLAUSIBLE = /^(?=\S{0,60}\d|[A-Za-z]{12,64}$)[^\s<$%-]\S{5,}$/;

/**
 * Reads on from a keyword inside a name: `KEYWORD_rest" := "value"`.
 *
 * @param from index after the keyword
 * @returns undefined unless an operator, or what stands for one, and a value follow within a few characters
 */
export function readAssignment(text: string, keywordStart: number, from: number): Assignment | undefined {
  const bare = readWithoutOperator(text, keywordStart, from);
  if (bare) return bare;
  const operator = skipNameTail(text, from);
  if (operator === undefined) return undefined;
  const value = readValue(text, endOf(NESTED_VALUE, text, operator) ?? operator);
  if (!value || isNextArgument(text, operator, value) || isCall(text, value)) return undefined;
  const name = text.slice(startOfName(text, keywordStart), Math.min(operator, from + LONGEST_TAIL));
  return { name, ...value, spoken: false };
}

/** `hash(password, salt1)`: the comma announces another variable. */
function isNextArgument(text: string, operator: number, { valueStart, valueEnd, quoted }: Value): boolean {
  return (
    !quoted &&
    text[operator - 1] === ',' &&
    /^[a-z_]{1,30}(?:[A-Z][a-z]{0,20}){0,4}\d{0,4}$/.test(text.slice(valueStart, valueEnd))
  );
}

/** `token = generateToken2()` */
function isCall(text: string, { valueStart, valueEnd, quoted }: Value): boolean {
  return !quoted && text[valueEnd] === '(' && /^[a-z][\w$.]*$/i.test(text.slice(valueStart, valueEnd));
}

function startOfName(text: string, keywordStart: number): number {
  let start = keywordStart;
  const furthest = Math.max(0, keywordStart - LONGEST_NAME);
  while (start > furthest && kindAt(text, start - 1) & NAME_CHARACTER) start--;
  return start;
}

/** Forms in which a space, a quote or a word stands between name and value. */
function readWithoutOperator(text: string, keywordStart: number, from: number): Assignment | undefined {
  let nameEnd = from;
  const furthest = Math.min(text.length, from + LONGEST_TAIL);
  while (nameEnd < furthest && kindAt(text, nameEnd) & NAME_CHARACTER) nameEnd++;
  const next = text[nameEnd];
  if (next !== ' ' && next !== '\t' && !(kindAt(text, nameEnd) & QUOTE)) return undefined;
  const nameStart = startOfName(text, keywordStart);
  const name = text.slice(nameStart, nameEnd);
  const isFlag =
    FLAG.test(name) ||
    (text[nameStart - 1] === ' ' && SETTER.test(text.slice(Math.max(0, nameStart - 16), nameStart)));
  const afterSpaces = endOf(isFlag ? SPACES : SPACES_AND_QUOTE, text, nameEnd);
  const start = afterSpaces ?? endOf(SAYS, text, nameEnd);
  const value = start === undefined ? undefined : readValue(text, start, false);
  if (!value || !PLAUSIBLE.test(text.slice(value.valueStart, value.valueEnd))) return undefined;
  return { name, ...value, spoken: afterSpaces === undefined };
}

/** Where the match at this index ends. */
function endOf(expression: RegExp, text: string, index: number): number | undefined {
  expression.lastIndex = index;
  return expression.test(text) ? expression.lastIndex : undefined;
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
  return valueLineAt(text, index) ?? (text[index] === '{' ? endOf(PROPERTY, text, index) : undefined);
}

function valueLineAt(text: string, index: number): number | undefined {
  return endOf(VALUE_LINE, text, index);
}

type Value = Pick<Assignment, 'valueStart' | 'valueEnd' | 'quoted'>;

/** @param typed a type (`string = "…"`) may stand before the value; once, or a row of them would be read to its end */
function readValue(text: string, from: number, typed = true): Value | undefined {
  let start = from;
  const furthest = Math.min(text.length, from + 12);
  while (start < furthest && (kindAt(text, start) & QUOTE || ' \t\r\n=\\@[{('.includes(text[start] ?? 'x')))
    start++;
  const previous = text[start - 1] ?? '';
  const quote = kindAt(text, start - 1) & QUOTE ? previous : undefined;
  // What follows an at sign is the host of a URL: `<password>@host`.
  if (previous === '@') return undefined;
  if (quote === undefined && typed) {
    const type = /^&?[\w[\]<>.]{1,24}\s{0,2}:?=\s{0,2}(?=["'`])/.exec(text.slice(start, start + 32));
    if (type) return readValue(text, start + type[0].length, false);
  }
  const valueEnd = quote === undefined ? bareEnd(text, start) : quotedEnd(text, start, quote);
  if (valueEnd === undefined || valueEnd === start) return undefined;
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
