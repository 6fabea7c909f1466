import type { IncomingMessage } from 'node:http';

/** What a request brings to be let in with. */
export type AskedFor =
  | { kind: 'none' }
  /** A credential of the caller's own. */
  | { kind: 'own' }
  /** The word that stands for a sealed key, with the name of one or without. */
  | { kind: 'placeholder'; name: string | undefined }
  /** Placeholders of different names. */
  | { kind: 'ambiguous' };

/** Headers that some provider takes a credential from. */
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
]);
/** Taken away as well when a sealed key is put in: the key shall not meet somebody's session. */
const STRIPPED_HEADERS: ReadonlySet<string> = new Set([...CREDENTIAL_HEADERS, 'cookie']);
/** Parameters of the query that some provider takes a credential from. */
const CREDENTIAL_PARAMETERS: ReadonlySet<string> = new Set(['key', 'api_key', 'access_token']);
const PLACEHOLDER = /^(?:(?:bearer|basic|token)\s+)?raypher(?::(?<name>[A-Za-z0-9][A-Za-z0-9._-]{0,63}))?$/i;
/** A scheme with nothing after it, as clients send for an empty key. */
const EMPTY = /^(bearer|basic|token)?\s*$/i;

/**
 * Looks for credentials where providers look for them. One placeholder is enough for a sealed key to be meant:
 * whatever else is there is not sent on with it.
 *
 * @param path with its query
 */
export function askedFor(request: IncomingMessage, path: string): AskedFor {
  const values = [...headerValues(request), ...queryValues(path)].filter((value) => !EMPTY.test(value));
  const placeholders = values.map((value) => PLACEHOLDER.exec(value)).filter((match) => match !== null);
  if (placeholders.length === 0) return { kind: values.length === 0 ? 'none' : 'own' };
  const names = new Set(placeholders.map(({ groups }) => groups?.name).filter((name) => name !== undefined));
  if (names.size > 1) return { kind: 'ambiguous' };
  return { kind: 'placeholder', name: [...names][0] };
}

/** Names of the placeholders that stand where providers look for a key; undefined for one without a name. */
export function askedNames(request: IncomingMessage, path: string): (string | undefined)[] {
  return [...headerValues(request), ...queryValues(path)]
    .map((value) => PLACEHOLDER.exec(value))
    .flatMap((match) => (match === null ? [] : [match.groups?.name]));
}

/** Whether a parameter of a query is one that a provider takes a credential from. */
export function isCredentialParameter(name: string): boolean {
  return CREDENTIAL_PARAMETERS.has(name.toLowerCase());
}

/** The headers without anything that lets in. */
export function withoutCredentials(
  headers: Readonly<Record<string, string | string[]>>,
): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !STRIPPED_HEADERS.has(name)));
}

/** The path without parameters that let in; the others stay byte for byte. */
export function withoutQueryCredentials(path: string): string {
  const start = path.indexOf('?');
  if (start === -1) return path;
  const kept = path
    .slice(start + 1)
    .split('&')
    .filter((part) => !CREDENTIAL_PARAMETERS.has(parameterOf(part).name));
  const query = kept.join('&');
  return query === '' ? path.slice(0, start) : `${path.slice(0, start)}?${query}`;
}

/** Of the raw lines: Node keeps only the first of some repeated headers, and joins others. */
function headerValues({ rawHeaders }: IncomingMessage): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (CREDENTIAL_HEADERS.has(rawHeaders[i]?.toLowerCase() ?? ''))
      values.push((rawHeaders[i + 1] ?? '').trim());
  }
  return values;
}

function queryValues(path: string): string[] {
  const start = path.indexOf('?');
  if (start === -1) return [];
  return path
    .slice(start + 1)
    .split('&')
    .map(parameterOf)
    .filter(({ name }) => CREDENTIAL_PARAMETERS.has(name))
    .map(({ value }) => value);
}

function parameterOf(part: string): { name: string; value: string } {
  const [name = '', ...rest] = part.split('=');
  return { name: decoded(name).toLowerCase(), value: decoded(rest.join('=')).trim() };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
