import { isObject, type JsonPath, valueAt } from './json-path.ts';

/** Where requests say how long an answer may become; the largest counts, since providers differ in which they obey. */
const OUTPUT_LIMITS: readonly JsonPath[] = [
  ['max_tokens'],
  ['max_completion_tokens'],
  ['max_output_tokens'],
  ['generationConfig', 'maxOutputTokens'],
  ['generation_config', 'max_output_tokens'],
  ['generationConfig', 'max_output_tokens'],
  ['generation_config', 'maxOutputTokens'],
  ['options', 'num_predict'],
];

/** Where an API takes it from these places alone: what stands elsewhere limits nothing. */
const OUTPUT_LIMITS_AT: readonly { path: RegExp; limits: readonly JsonPath[] }[] = [
  { path: /\/responses(?:\/compact)?$/, limits: [['max_output_tokens']] },
  {
    path: /:(?:stream)?generatecontent$/,
    limits: OUTPUT_LIMITS.filter(([first]) => first?.startsWith('generation') === true),
  },
  { path: /\/converse(?:-stream)?$/, limits: [['inferenceConfig', 'maxTokens']] },
  { path: /\/api\/(?:chat|generate)$/, limits: [['options', 'num_predict']] },
];

/** Where requests ask for several answers, of which each is charged. */
const ANSWERS: readonly JsonPath[] = [
  ['n'],
  ['best_of'],
  ['generationConfig', 'candidateCount'],
  ['generationConfig', 'candidate_count'],
  ['generation_config', 'candidateCount'],
  ['generation_config', 'candidate_count'],
  ['num_generations'],
  ['num_images'],
  ['parameters', 'n'],
  ['parameters', 'sampleCount'],
];

/** More than any provider gives. */
const MOST_ANSWERS = 1_024;
/** Of a form, whose fields nobody reads here: pictures. */
const MOST_OF_FORM = 10;

/** Searches that one call makes at most where the request names no limit: ten is the highest default known. */
const USUAL_SEARCHES = 10;

export interface RequestLimits {
  /** Tokens of one answer; undefined when the request sets no limit. */
  readonly output: number | undefined;
  readonly answers: number;
  readonly searches: number;
}

/**
 * @param body parsed JSON of a request; text where it is none
 * @param path of the request, as {@link canonicalPath} writes it
 */
export function requestLimits(body: unknown, path: string): RequestLimits {
  const places = OUTPUT_LIMITS_AT.find((entry) => entry.path.test(path))?.limits ?? OUTPUT_LIMITS;
  const outputs = places
    .map((place) => valueAt(body, place))
    .filter((limit) => limit !== undefined && limit !== null);
  const numbers = outputs.filter(isPositive);
  const answers = ANSWERS.map((place) => valueAt(body, place)).flatMap(answersOf);
  if (typeof body === 'string' && path.includes('/images/')) answers.push(MOST_OF_FORM);
  return {
    // A limit that is no positive number (-1 in Ollama) is no limit.
    output:
      numbers.length === 0 || numbers.length < outputs.length ? undefined : Math.ceil(Math.max(...numbers)),
    answers: Math.min(MOST_ANSWERS, Math.ceil(Math.max(1, ...answers))),
    searches: searchesOf(body),
  };
}

/** Some servers take a number that is written as a text. What is no number at all may be any to them. */
function answersOf(value: unknown): number[] {
  if (value === undefined || value === null) return [];
  const number = typeof value === 'string' ? Number(value) : value;
  return [isPositive(number) ? number : MOST_ANSWERS];
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER;
}

/** Tools that search the web, as OpenAI (`web_search…`, `web_search_options`), Anthropic (`web_search_…`) and Gemini name them. */
function searchesOf(body: unknown): number {
  if (!isObject(body)) return 0;
  const tools = Array.isArray(body.tools) ? body.tools.filter(isObject) : [];
  const searching = tools.filter(
    (tool) =>
      (typeof tool.type === 'string' && tool.type.startsWith('web_search')) ||
      tool.googleSearch !== undefined ||
      tool.google_search !== undefined,
  );
  const asked = searching.map((tool) =>
    isPositive(tool.max_uses) ? Math.ceil(tool.max_uses) : USUAL_SEARCHES,
  );
  if (isObject(body.web_search_options) || Array.isArray(body.plugins)) asked.push(USUAL_SEARCHES);
  return asked.reduce((sum, searches) => sum + searches, 0);
}
