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

/** Where requests ask for several answers, of which each is charged. */
const ANSWERS: readonly JsonPath[] = [
  ['n'],
  ['best_of'],
  ['generationConfig', 'candidateCount'],
  ['generation_config', 'candidate_count'],
];

/** More than any provider gives. */
const MOST_ANSWERS = 1_024;

/** Searches that one call makes at most where the request names no limit: ten is the highest default known. */
const USUAL_SEARCHES = 10;

export interface RequestLimits {
  /** Tokens of one answer; undefined when the request sets no limit. */
  readonly output: number | undefined;
  readonly answers: number;
  readonly searches: number;
}

/** @param body parsed JSON of a request */
export function requestLimits(body: unknown): RequestLimits {
  const outputs = OUTPUT_LIMITS.map((path) => valueAt(body, path)).filter(
    (limit) => limit !== undefined && limit !== null,
  );
  const numbers = outputs.filter(isPositive);
  const answers = ANSWERS.map((path) => valueAt(body, path)).filter(isPositive);
  return {
    // A limit that is no positive number (-1 in Ollama) is no limit.
    output:
      numbers.length === 0 || numbers.length < outputs.length ? undefined : Math.ceil(Math.max(...numbers)),
    answers: Math.min(MOST_ANSWERS, Math.ceil(Math.max(1, ...answers))),
    searches: searchesOf(body),
  };
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
