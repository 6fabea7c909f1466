import type { ModelName } from './model-name.ts';

/** Longer heads of a part are no client's. */
const LONGEST_HEAD = 8 * 1024;
const LONGEST_NAME = 256;
const BOUNDARY =
  /;\s{0,8}boundary\s{0,8}=\s{0,8}(?:"(?<quoted>[^"\r\n]{1,200})"|(?<plain>[^\s;",]{1,200}))/gi;
/** `name`, and neither `filename` nor a part of another word; the value is what stands up to the end of the parameter. */
const NAME =
  /(?<![\w-])name(?<extended>\*?)\s{0,8}=\s{0,8}(?<value>"(?:[^"\\\r\n]|\\.){0,200}"?|[^;\r\n]{0,200})/gi;

/** A form begins with the boundary, which begins with two of these. */
const DASH = 0x2d;

/** Whether it says that it is one, and could be. */
export function isForm(contentType: string | undefined, body: Uint8Array): boolean {
  return body[0] === DASH && contentType?.trim().toLowerCase().startsWith('multipart/') === true;
}

/**
 * The models that a form names: audio and image uploads carry theirs as a field (RFC 7578).
 *
 * Servers differ about forms: which of two names counts, what a backslash means, whether a line may end without CR.
 * Only a field that all of them read the same way names a model; one that some might read is a model nobody knows.
 *
 * @param body begins with its first delimiter
 * @returns an empty list when it names none; `[null]` when it cannot be told, or more than one is named
 */
export function modelsInForm(body: Buffer, contentType: string): ModelName[] {
  const text = body.toString('latin1');
  const [declared, another] = [...contentType.matchAll(BOUNDARY)];
  const boundary = declared?.groups?.quoted ?? declared?.groups?.plain;
  if (boundary === undefined || another !== undefined || !text.startsWith(`--${boundary}`)) return [null];
  const named: ModelName[] = [];
  const delimiter = `\n--${boundary}`;
  for (let start = 0; start !== -1; ) {
    const end = text.indexOf(delimiter, start);
    named.push(...modelIn(text.slice(start, end === -1 ? undefined : end)));
    start = end === -1 ? -1 : end + delimiter.length;
  }
  return named.length > 1 ? [null] : named;
}

/** @param part up to the line break before the next delimiter, of which the CR is still there */
function modelIn(part: string): ModelName[] {
  const beginning = part.slice(0, LONGEST_HEAD);
  const blank = /\r?\n\r?\n/.exec(beginning);
  const head = blank === null ? beginning : beginning.slice(0, blank.index);
  const names = [...head.matchAll(NAME)].map(({ groups }) => groups ?? {});
  if (!names.some(({ value = '' }) => isModel(value))) return [];
  const [only] = names;
  const isPlain =
    names.length === 1 && only?.extended === '' && /^(?:"model"|model)$/i.test(only.value ?? '');
  // What is encoded is read in one way by some and in another by others.
  if (!isPlain || blank?.[0] !== '\r\n\r\n' || /content-transfer-encoding/i.test(head)) return [null];
  const value = /^(?<name>[^\r\n]+)\r$/.exec(part.slice(blank.index + blank[0].length))?.groups?.name;
  return [value !== undefined && value.length <= LONGEST_NAME ? value : null];
}

/** However it is quoted, escaped or marked as one of a list. */
function isModel(written: string): boolean {
  const bare = written.replace(/[\s"'\\]/g, '').replace(/^[\w-]{1,20}''/, '');
  const name = bare.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return /^(?:utf-8)?model(?:$|\[)/i.test(name);
}
