/** `null`: there is a model and it could not be learnt. */
export type ModelName = string | null;

/**
 * The models a JSON request body names at its top level: `model`, and `models` (a list of fallbacks); and those of
 * tools that the provider itself runs with a model.
 *
 * The text is walked instead of parsed into an object, because an object hides repeated keys: one reader
 * takes the first, another the last, and a rule would see a model that the upstream does not use.
 *
 * @returns an empty list when it names none; `[null]` when it cannot be read or contradicts itself
 */
export function modelsInJson(bytes: Uint8Array): ModelName[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return [null];
  }
  const fields = topLevelFields(text);
  if (fields === undefined) return [null];
  const single = fields.filter(({ key }) => key === 'model').map(({ value }) => value);
  const fallbacks = fields.filter(({ key }) => key === 'models').map(({ value }) => value);
  if (single.length > 1 || fallbacks.length > 1) return [null];
  const ofTools = fields.filter(({ key }) => key === 'tools').flatMap(({ value }) => modelsOfTools(value));
  return [...single.map(asName), ...fallbacks.flatMap(asNames), ...ofTools];
}

/** `model`, in any case, or written with escapes. */
const MAY_NAME_MODEL = /"model"|\\u00[46]/i;

/** `{"type":"image_generation","model":…}`; functions have none. */
function modelsOfTools(json: string): ModelName[] {
  if (!MAY_NAME_MODEL.test(json) || !json.trimStart().startsWith('[')) return [];
  const models: ModelName[] = [];
  for (let at = json.indexOf('[') + 1; ; at += 1) {
    const end = endOfValue(json, at);
    const named = topLevelFields(json.slice(at, end))?.filter(({ key }) => key === 'model') ?? [];
    models.push(...named.map(({ value }) => asName(value)));
    if (json[end] !== ',') return models;
    at = end;
  }
}

function asName(json: string): ModelName {
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? value : null;
}

function asNames(json: string): ModelName[] {
  const value: unknown = JSON.parse(json);
  if (!Array.isArray(value)) return [null];
  return value.map((item) => (typeof item === 'string' ? item : null));
}

/**
 * The body with another model in the place of the one it names, every other byte as it was.
 *
 * @returns undefined when it is no JSON object that names exactly one model
 */
export function withModel(bytes: Uint8Array, model: string): Buffer | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const named = topLevelFields(text)?.filter(({ key }) => key === 'model' || key === 'models');
  const [only] = named ?? [];
  if (only?.key !== 'model' || named?.length !== 1) return undefined;
  return Buffer.from(`${text.slice(0, only.start)}${JSON.stringify(model)}${text.slice(only.end)}`);
}

interface Field {
  /** In lower case. */
  key: string;
  /** JSON text. */
  value: string;
  /** Of the value, without white space around it. */
  start: number;
  end: number;
}

/** Objects in which some providers have settings of a call. */
const SETTINGS = /^(?:generation_?config|inference_?config|options|parameters)$/;

/**
 * Whether a request says something twice at its top, or among its settings: one reader takes the first, another the last.
 *
 * @param json valid
 */
export function repeatsSettings(json: string): boolean {
  const text = json.replace(/^\ufeff/, '');
  if (!text.trimStart().startsWith('{')) return false;
  const fields = fieldsOf(text);
  if (new Set(fields.map(({ key }) => key)).size < fields.length) return true;
  return fields.some(({ key, value }) => SETTINGS.test(key) && repeatsSettings(value));
}

/** Each field of the outermost object; undefined when the text is not one. */
function topLevelFields(text: string): Field[] | undefined {
  try {
    // The walk relies on the text being valid JSON.
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  } catch {
    return undefined;
  }
  return fieldsOf(text);
}

function fieldsOf(text: string): Field[] {
  const fields: Field[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    const keyStart = text.indexOf('"', at);
    if (keyStart < 0) return fields;
    const keyEnd = endOfString(text, keyStart);
    const valueStart = text.indexOf(':', keyEnd) + 1;
    const valueEnd = endOfValue(text, valueStart);
    fields.push({
      // Servers written in Go read `Model` as `model`.
      key: String(JSON.parse(text.slice(keyStart, keyEnd))).toLowerCase(),
      value: text.slice(valueStart, valueEnd),
      start: valueStart + text.slice(valueStart, valueEnd).search(/\S/),
      end: valueStart + text.slice(valueStart, valueEnd).trimEnd().length,
    });
    if (text[valueEnd] !== ',') return fields;
    at = valueEnd + 1;
  }
}

/** Index after the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at + 1;
  }
  return text.length;
}

/** Index of the comma or bracket that ends the value that starts at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at) - 1;
    else if (code === 0x7b || code === 0x5b) depth += 1;
    else if (code === 0x7d || code === 0x5d) {
      if (depth === 0) return at;
      depth -= 1;
    } else if (code === 0x2c && depth === 0) return at;
  }
  return text.length;
}
