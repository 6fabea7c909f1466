import { plainText } from './plain-text.ts';

const MAX_DEPTH = 16;
const MAX_TEXT = 64 * 1024;

/** A JSON value with every text in it made fit for `jsonb`, which knows neither NUL nor lone surrogates. */
export function plainJson(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return plainText(value, MAX_TEXT);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((item) => plainJson(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [plainText(key, 256), plainJson(item, depth + 1)]),
  );
}
