import type { SecretPlace } from '@raypher/shared/rest';
import type { Changes } from './outgoing-request.ts';
import { PLACEHOLDER_WORD, type SecretPlaceholders } from './secret-placeholder.ts';

/** Where a value could be put in, in the place of a placeholder that is all there is of it. */
export type FoundPlace =
  | { readonly kind: 'header'; readonly header: string; readonly scheme: string }
  | { readonly kind: 'basic'; readonly basic: 'username' | 'password'; readonly other: string }
  | { readonly kind: 'query' | 'form'; readonly parameter: string; readonly index: number }
  | { readonly kind: 'json'; readonly pointer: string; readonly start: number; readonly end: number };

export interface FoundPlaceholder {
  readonly name: string;
  /** Undefined: somewhere that no value is ever put in, or among other text. */
  readonly place: FoundPlace | undefined;
  /** For the person in front of the program. */
  readonly where: string;
  /** Whether it stands in the body; a conversation with a model may speak of it there. */
  readonly inBody: boolean;
}

/** What is sent, as far as it can be read. */
export interface ReadRequest {
  readonly host: string;
  readonly rawHeaders: readonly string[];
  readonly contentType: string;
  /** Path and query as they go on. */
  readonly path: Changes['path'];
  /** Without its content coding; undefined where there is none, or it is not held. */
  readonly body: Buffer | undefined;
}

/** Escapes of JSON for characters of ASCII; of a placeholder there is nothing that has to be escaped. */
const JSON_ESCAPE = /\\u00[2-7][0-9a-f]/gi;
const MAX_DECODED = 3;
/** More than any request has; each of them is looked for in the whole body. */
const MOST = 16;

/**
 * Finds placeholders wherever a request can hold them, written plainly or with the escapes of URLs and JSON, and says
 * which of them a value could stand in for. Costs a search for one word where there are none.
 */
export function findPlaceholders(request: ReadRequest, known: SecretPlaceholders): FoundPlaceholder[] {
  const found: FoundPlaceholder[] = [];
  const astray = (text: string, where: string, inBody = false): void => {
    for (const name of known.namesIn(text).slice(0, MOST))
      found.push({ name, place: undefined, where, inBody });
  };
  astray(request.host, 'the host name');
  const { path, query } = split(request.path);
  astray(decoded(path), 'the path');
  if (query !== undefined) {
    parameters(query, known, 'query', (one) => found.push({ ...one, inBody: false }));
  }
  findInHeaders(request.rawHeaders, known, found, astray);
  if (request.body !== undefined) findInBody(request.body, request.contentType, known, found, astray);
  return found;
}

type Astray = (text: string, where: string, inBody?: boolean) => void;

function findInHeaders(
  rawHeaders: readonly string[],
  known: SecretPlaceholders,
  found: FoundPlaceholder[],
  astray: Astray,
): void {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = rawHeaders[at]?.toLowerCase() ?? '';
    // Of HTTP/2: what they say was read already.
    if (header.startsWith(':')) continue;
    astray(header, 'the name of a header');
    const value = (rawHeaders[at + 1] ?? '').trim();
    const basic = header === 'authorization' ? basicPart(value, known) : undefined;
    if (basic !== undefined) {
      found.push(...basic);
      continue;
    }
    if (!value.includes(PLACEHOLDER_WORD)) {
      if (value.includes('%')) astray(decoded(value), `the header ${header}`);
      continue;
    }
    const [, scheme = '', rest = ''] = /^(?:(\S+) +)?(\S+)$/.exec(value) ?? [];
    const name = known.nameOf(rest);
    if (name === undefined || isRepeated(rawHeaders, header)) {
      astray(decoded(value), `the header ${header}`);
    } else {
      const place = { kind: 'header', header, scheme } as const;
      found.push({ name, place, where: `the header ${header}`, inBody: false });
    }
  }
}

/** User name and password (RFC 7617); undefined where the header holds none, or no placeholder. */
function basicPart(value: string, known: SecretPlaceholders): FoundPlaceholder[] | undefined {
  const encoded = /^basic +([A-Za-z0-9+/_=-]+)$/i.exec(value)?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString('latin1');
  const names = known.namesIn(pair);
  if (names.length === 0) return undefined;
  const colon = pair.indexOf(':');
  const [user, password] = colon === -1 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
  const where = 'the user name and password';
  for (const [basic, text, other] of [
    ['username', user, password],
    ['password', password, user],
  ] as const) {
    const name = known.nameOf(text);
    if (name !== undefined && names.length === 1) {
      return [{ name, place: { kind: 'basic', basic, other }, where: `the ${basic}`, inBody: false }];
    }
  }
  return names.map((name) => ({ name, place: undefined, where, inBody: false }));
}

function findInBody(
  body: Buffer,
  contentType: string,
  known: SecretPlaceholders,
  found: FoundPlaceholder[],
  astray: Astray,
): void {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType);
  const mayHide = isForm ? body.includes('%') : body.includes('\\u00');
  if (!body.includes(PLACEHOLDER_WORD) && !mayHide) return;
  // Byte for byte, so that a place in the text is one in the body.
  const text = body.toString('latin1');
  if (isForm) {
    parameters(text, known, 'form', (one) => found.push({ ...one, inBody: true }));
    return;
  }
  const all = known.namesIn(mayHide ? unescaped(text) : text);
  if (all.length === 0) return;
  const strings =
    all.length <= MOST && /\bjson\b/i.test(contentType) ? placeholderStrings(body, text, known) : [];
  // Repeated member names, escapes, or other text around it: not one reading of the document, so no place at all.
  if (strings.length === all.length) found.push(...strings);
  else astray(mayHide ? unescaped(text) : text, 'the body', true);
}

/** Strings of a JSON document that are placeholders, all of them and written without escapes. */
function placeholderStrings(body: Buffer, text: string, known: SecretPlaceholders): FoundPlaceholder[] {
  let document: unknown;
  try {
    document = JSON.parse(body.toString('utf8'));
  } catch {
    return [];
  }
  const found: FoundPlaceholder[] = [];
  const seen = new Set<string>();
  for (const { pointer, value } of stringsOf(document)) {
    const name = known.nameOf(value);
    if (name === undefined) continue;
    const written = `"${value}"`;
    const start = text.indexOf(written);
    const isOnce = start !== -1 && text.indexOf(written, start + 1) === -1 && !seen.has(written);
    seen.add(written);
    const place = { kind: 'json', pointer, start, end: start + written.length } as const;
    found.push({ name, place: isOnce ? place : undefined, where: `the field ${pointer}`, inBody: true });
  }
  return found;
}

/** Every string of a document with its place (RFC 6901). A stack of its own: documents may be nested deeply. */
function* stringsOf(document: unknown): Generator<{ pointer: string; value: string }> {
  const waiting: { pointer: string; value: unknown }[] = [{ pointer: '', value: document }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { pointer, value } = next;
    if (typeof value === 'string') {
      if (value.includes(PLACEHOLDER_WORD)) yield { pointer, value };
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) {
        waiting.push({
          pointer: `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
          value: member,
        });
      }
    }
  }
}

function parameters(
  text: string,
  known: SecretPlaceholders,
  kind: 'query' | 'form',
  add: (one: Omit<FoundPlaceholder, 'inBody'>) => void,
): void {
  if (!text.includes(PLACEHOLDER_WORD) && !text.includes('%')) return;
  const parts = text.split('&');
  let seen = 0;
  for (const [index, part] of parts.entries()) {
    if (!part.includes(PLACEHOLDER_WORD) && !part.includes('%')) continue;
    const { parameter, value } = parameterOf(part);
    const where = `the ${kind === 'query' ? 'parameter' : 'form field'} ${parameter.slice(0, 64)}`;
    const name = known.nameOf(value);
    if (name !== undefined) seen += 1;
    if (name !== undefined && seen <= MOST && isOnlyOne(parts, parameter))
      add({ name, place: { kind, parameter, index }, where });
    else for (const astray of known.namesIn(decoded(part))) add({ name: astray, place: undefined, where });
  }
}

function isOnlyOne(parts: readonly string[], parameter: string): boolean {
  return parts.filter((part) => parameterOf(part).parameter === parameter).length === 1;
}

/** One `name=value` of a query or a form, as servers read it. */
export function parameterOf(part: string): { parameter: string; value: string } {
  const at = part.indexOf('=');
  const [name, value] = at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
  return { parameter: decodedOnce(name), value: decodedOnce(value) };
}

export function split(path: string): { path: string; query: string | undefined } {
  const at = path.indexOf('?');
  return at === -1 ? { path, query: undefined } : { path: path.slice(0, at), query: path.slice(at + 1) };
}

function decodedOnce(text: string): string {
  return percentDecoded(text.replaceAll('+', ' '));
}

/** Until nothing changes any more; whoever is behind may do it more than once. */
export function decoded(text: string): string {
  let plain = text;
  for (let round = 0; round < MAX_DECODED && plain.includes('%'); round += 1) {
    const next = percentDecoded(plain);
    if (next === plain) break;
    plain = next;
  }
  return plain;
}

/** Byte by byte: a part that is no UTF-8 must not hide the rest. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function unescaped(text: string): string {
  return text.replace(JSON_ESCAPE, (code) => String.fromCharCode(Number.parseInt(code.slice(2), 16)));
}

function isRepeated(rawHeaders: readonly string[], header: string): boolean {
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === header) seen += 1;
  }
  return seen > 1;
}

/** Whether a value may be put in there. */
export function isAt(place: FoundPlace, allowed: SecretPlace): boolean {
  switch (place.kind) {
    case 'header':
      return (
        'header' in allowed &&
        allowed.header === place.header &&
        (allowed.scheme ?? '').toLowerCase() === place.scheme.toLowerCase()
      );
    case 'basic':
      return 'basic' in allowed && allowed.basic === place.basic;
    case 'query':
      return 'query' in allowed && allowed.query === place.parameter;
    case 'form':
      return 'form' in allowed && allowed.form === place.parameter;
    case 'json':
      return 'json' in allowed && allowed.json === place.pointer;
  }
}
