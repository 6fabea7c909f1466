import type { StreamFormat } from '@raypher/dlp';

/** How an answer is looked through: event by event, as a whole, or not at all. */
export type AnswerFormat = StreamFormat | 'whole' | 'opaque';

/** Gemini's endless array, unless server-sent events are asked for. */
const JSON_ARRAY = /:streamGenerateContent(?:\?(?!.*\balt=sse\b)|$)/;

/** Text by other names than `text/…`. */
const TEXT =
  /^(?:multipart\/.*|application\/(?:xml|(?:x-)?javascript|ecmascript|(?:x-)?yaml|toml|sql|graphql|x-sh|x-www-form-urlencoded))$/;

/**
 * @param contentType of the answer; may be empty
 * @param path of the request, with its query
 */
export function answerFormat(contentType: string, path: string): AnswerFormat {
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  const name = type.trim();
  if (name === 'text/event-stream') return 'sse';
  if (/^application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines|json-seq)$/.test(name)) return 'ndjson';
  if (name === 'application/json' && JSON_ARRAY.test(path)) return 'json-array';
  if (name === 'application/json' || name.endsWith('+json')) return 'whole';
  if (name === '' || name.startsWith('text/') || name.endsWith('+xml') || TEXT.test(name)) return 'text';
  return 'opaque';
}

/** Answers that come piece by piece, as the record calls them. */
export function isStream(format: AnswerFormat): boolean {
  return format === 'sse' || format === 'ndjson' || format === 'json-array';
}
