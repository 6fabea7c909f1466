import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Entity, EntityRecogniser } from './entity.ts';

export interface PresidioOptions {
  /** Base address of a Presidio Analyzer, such as `http://127.0.0.1:5002`. */
  url: string;
  fetch: typeof fetch;
  breaker: CircuitBreaker;
  /** ISO 639-1, two letters. */
  language: string;
  /** Entities below are not given, 0 to 1. */
  scoreThreshold: number;
  /** For one text, ms. */
  timeoutMs: number;
  /** Entities that are looked for; all that the analyser knows without it. */
  entities?: readonly string[];
  /** Texts that are asked for at the same time. */
  concurrency?: number;
}

/** What came back is no answer of an analyser. */
export class PresidioAnswerError extends Error {
  override name = 'PresidioAnswerError';
}

/** Larger answers are not read, characters. */
const MAX_ANSWER = 4 << 20;

/** Presidio Analyzer over its REST API (`POST /analyze`, `GET /health`). */
export class PresidioRecogniser implements EntityRecogniser {
  readonly name = 'presidio';
  readonly #options: PresidioOptions;

  constructor(options: PresidioOptions) {
    this.#options = options;
  }

  /** Whether the analyser says that it is up. Never throws. */
  async healthy(): Promise<boolean> {
    const { url, timeoutMs, fetch: call } = this.#options;
    try {
      const response = await call(new URL('/health', url), {
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'error',
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  async recognise(texts: readonly string[], signal?: AbortSignal): Promise<Entity[][]> {
    const results: Entity[][] = texts.map(() => []);
    let next = 0;
    const worker = async () => {
      for (let at = next++; at < texts.length; at = next++) {
        const text = texts[at] ?? '';
        if (text.trim() !== '')
          results[at] = await this.#options.breaker.run(() => this.#analyse(text, signal));
      }
    };
    await Promise.all(Array.from({ length: this.#options.concurrency ?? 4 }, worker));
    return results;
  }

  async #analyse(text: string, signal: AbortSignal | undefined): Promise<Entity[]> {
    const { url, language, scoreThreshold, timeoutMs, entities, fetch: call } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    const response = await call(new URL('/analyze', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        text,
        language,
        score_threshold: scoreThreshold,
        ...(entities && { entities }),
      }),
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      // A redirect would carry the text to another place.
      redirect: 'error',
    });
    const answer = await response.text();
    if (!response.ok) throw new PresidioAnswerError(`The analyser answered ${response.status}.`);
    if (answer.length > MAX_ANSWER) throw new PresidioAnswerError('The answer of the analyser is too long.');
    return readEntities(answer, text);
  }
}

/** Presidio counts Unicode code points, as Python does; everything here counts UTF-16 units. */
function readEntities(answer: string, text: string): Entity[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch (cause) {
    throw new PresidioAnswerError('The answer of the analyser is no JSON.', { cause });
  }
  if (!Array.isArray(parsed)) throw new PresidioAnswerError('The answer of the analyser is no list.');
  const unit = unitOffsets(text);
  return parsed
    .map((entry: unknown): Entity => {
      const { entity_type: type, start, end, score } = asRecord(entry);
      const from = typeof start === 'number' ? unit(start) : undefined;
      const to = typeof end === 'number' ? unit(end) : undefined;
      if (
        typeof type !== 'string' ||
        typeof score !== 'number' ||
        from === undefined ||
        to === undefined ||
        from >= to
      ) {
        throw new PresidioAnswerError('The answer of the analyser has an entity that is not in the text.');
      }
      return { type, start: from, end: to, score: Math.min(1, Math.max(0, score)) };
    })
    .sort((a, b) => a.start - b.start);
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function unitOffsets(text: string): (point: number) => number | undefined {
  if (!/[\ud800-\udfff]/.test(text))
    return (point) => (Number.isInteger(point) && point >= 0 && point <= text.length ? point : undefined);
  const offsets: number[] = [];
  let at = 0;
  for (const point of text) {
    offsets.push(at);
    at += point.length;
  }
  offsets.push(at);
  return (point) => offsets[point];
}
