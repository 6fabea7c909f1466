/** Steps from a parsed JSON value to one inside it. In a list of `{modality, tokenCount}`, a step names the modality. */
export type JsonPath = readonly string[];

/** @returns undefined when there is nothing at the path */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let at = value;
  for (const step of path) {
    if (Array.isArray(at)) at = at.find((item) => isObject(item) && item.modality === step);
    else at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  }
  return at;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** More than any context window by far; what is above is a mistake or a lie. */
const MOST_TOKENS = 2 ** 40;

/** A number of tokens. Fractions, negative numbers, text and absurd amounts are no numbers of tokens. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_TOKENS
    ? value
    : undefined;
}
