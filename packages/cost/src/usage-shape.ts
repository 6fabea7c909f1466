import { isObject, type JsonPath } from './json-path.ts';

/** Numbers as providers report them; some are parts of others. */
export const REPORTED_COUNTS = [
  'input',
  'toolInput',
  'cacheRead',
  'cacheWrite',
  'cacheWriteHour',
  'audioInput',
  'imageInput',
  'output',
  'reasoning',
  'audioOutput',
  'imageOutput',
  'searches',
] as const;

export type ReportedCount = (typeof REPORTED_COUNTS)[number];

export interface UsageShape {
  readonly id: string;
  /** Where the usage is, in a whole answer or in an event of a stream. */
  readonly at: readonly JsonPath[];
  /** Below the usage; the largest of several counts. */
  readonly counts: Readonly<Partial<Record<ReportedCount, readonly JsonPath[]>>>;
  /** Whether `input` already contains `cacheRead` and `cacheWrite`. */
  readonly inputHoldsCache: boolean;
  /** Whether `output` already contains `reasoning`. */
  readonly outputHoldsReasoning: boolean;
  readonly model: readonly JsonPath[];
  /** Parts of an answer or event that hold what the model wrote; counted when the usage never comes. */
  readonly written: readonly JsonPath[];
  /** Whether the counts in this event, or in one after it, are the final ones. */
  readonly ends: (event: Record<string, unknown>) => boolean;
  /** Nothing is written: embeddings. */
  readonly inputOnly?: boolean;
  /** The model may think without sending what it thinks. */
  readonly hidesReasoning?: boolean;
}

const CHAT: UsageShape = {
  id: 'chat',
  // Groq: https://console.groq.com/docs/api-reference (x_groq.usage in the last chunk)
  at: [['usage'], ['x_groq', 'usage']],
  counts: {
    input: [['prompt_tokens']],
    cacheRead: [
      ['prompt_tokens_details', 'cached_tokens'],
      ['prompt_cache_hit_tokens'],
      ['num_cached_tokens'],
      ['cached_tokens'],
    ],
    cacheWrite: [['prompt_tokens_details', 'cache_write_tokens']],
    audioInput: [['prompt_tokens_details', 'audio_tokens']],
    imageInput: [['prompt_tokens_details', 'image_tokens']],
    output: [['completion_tokens']],
    reasoning: [['completion_tokens_details', 'reasoning_tokens']],
    audioOutput: [['completion_tokens_details', 'audio_tokens']],
    imageOutput: [['completion_tokens_details', 'image_tokens']],
    searches: [['server_tool_use', 'web_search_requests'], ['num_search_queries']],
  },
  inputHoldsCache: true,
  outputHoldsReasoning: true,
  model: [['model']],
  written: [['choices']],
  ends: ({ choices }) => anyHas(choices, 'finish_reason'),
  hidesReasoning: true,
};

/** https://platform.openai.com/docs/api-reference/responses-streaming */
const RESPONSES: UsageShape = {
  id: 'responses',
  at: [['usage'], ['response', 'usage']],
  counts: {
    input: [['input_tokens']],
    cacheRead: [['input_tokens_details', 'cached_tokens']],
    cacheWrite: [['input_tokens_details', 'cache_write_tokens']],
    // Transcriptions spell it in the singular.
    audioInput: [
      ['input_tokens_details', 'audio_tokens'],
      ['input_token_details', 'audio_tokens'],
    ],
    imageInput: [['input_tokens_details', 'image_tokens']],
    output: [['output_tokens']],
    reasoning: [['output_tokens_details', 'reasoning_tokens']],
    audioOutput: [['output_tokens_details', 'audio_tokens']],
    imageOutput: [['output_tokens_details', 'image_tokens']],
  },
  inputHoldsCache: true,
  outputHoldsReasoning: true,
  model: [['model'], ['response', 'model']],
  written: [['delta'], ['output']],
  // Only events that end an answer carry a usage.
  ends: ({ usage, response }) => isObject(usage) || (isObject(response) && isObject(response.usage)),
  hidesReasoning: true,
};

/**
 * Counts of a stream are totals so far, not additions
 * (https://docs.claude.com/en/docs/build-with-claude/streaming). Cached tokens are not part of `input_tokens`.
 */
const MESSAGES: UsageShape = {
  id: 'messages',
  at: [['usage'], ['message', 'usage']],
  counts: {
    input: [['input_tokens']],
    cacheRead: [['cache_read_input_tokens']],
    cacheWrite: [['cache_creation_input_tokens'], ['cache_creation', 'ephemeral_5m_input_tokens']],
    cacheWriteHour: [['cache_creation', 'ephemeral_1h_input_tokens']],
    output: [['output_tokens']],
    reasoning: [['output_tokens_details', 'thinking_tokens']],
    searches: [['server_tool_use', 'web_search_requests']],
  },
  inputHoldsCache: false,
  outputHoldsReasoning: true,
  model: [['model'], ['message', 'model']],
  written: [['delta'], ['content'], ['content_block']],
  // `message_start` has a usage too, inside `message`, from before anything was written.
  ends: ({ usage }) => isObject(usage),
  hidesReasoning: true,
};

/** https://ai.google.dev/api/generate-content#UsageMetadata; thoughts are not part of the candidates' count. */
const GENERATE_CONTENT: UsageShape = {
  id: 'generateContent',
  at: [['usageMetadata'], ['response', 'usageMetadata']],
  counts: {
    input: [['promptTokenCount']],
    toolInput: [['toolUsePromptTokenCount']],
    cacheRead: [['cachedContentTokenCount']],
    audioInput: [['promptTokensDetails', 'AUDIO', 'tokenCount']],
    imageInput: [['promptTokensDetails', 'IMAGE', 'tokenCount']],
    output: [['candidatesTokenCount']],
    reasoning: [['thoughtsTokenCount']],
    audioOutput: [['candidatesTokensDetails', 'AUDIO', 'tokenCount']],
    imageOutput: [['candidatesTokensDetails', 'IMAGE', 'tokenCount']],
  },
  inputHoldsCache: true,
  outputHoldsReasoning: false,
  model: [['modelVersion'], ['response', 'modelVersion']],
  written: [['candidates'], ['response', 'candidates']],
  ends: ({ candidates, response }) =>
    anyHas(candidates, 'finishReason') || (isObject(response) && anyHas(response.candidates, 'finishReason')),
  hidesReasoning: true,
};

/** https://github.com/ollama/ollama/blob/main/docs/api.md; `prompt_eval_count` is left out when the prompt was cached. */
const OLLAMA: UsageShape = {
  id: 'ollama',
  at: [[]],
  counts: { input: [['prompt_eval_count']], output: [['eval_count']] },
  inputHoldsCache: true,
  outputHoldsReasoning: true,
  model: [['model']],
  written: [['message'], ['response'], ['thinking']],
  ends: ({ done }) => done === true,
};

function anyHas(list: unknown, key: string): boolean {
  return Array.isArray(list) && list.some((item) => isObject(item) && typeof item[key] === 'string');
}

const EMBEDDINGS: UsageShape = {
  ...CHAT,
  id: 'embeddings',
  counts: { input: [['prompt_tokens'], ['total_tokens']] },
  written: [],
  inputOnly: true,
  hidesReasoning: false,
};

/** https://platform.openai.com/docs/api-reference/images: all that comes out is a picture. */
const IMAGES: UsageShape = {
  ...RESPONSES,
  id: 'images',
  counts: {
    ...RESPONSES.counts,
    imageOutput: [['output_tokens_details', 'image_tokens'], ['output_tokens']],
  },
};

const EMBED_CONTENT: UsageShape = {
  ...GENERATE_CONTENT,
  id: 'embedContent',
  written: [],
  inputOnly: true,
  hidesReasoning: false,
};

const OLLAMA_EMBED: UsageShape = { ...OLLAMA, id: 'ollamaEmbed', written: [], inputOnly: true };

/** As lenient servers read a path: without query, in lower case, decoded, with single slashes and none at its end. */
export function canonicalPath(path: string): string {
  let bare = path.split(/[?#]/, 1)[0] ?? '';
  try {
    bare = decodeURIComponent(bare);
  } catch {
    // Then it is nothing that has an encoding.
  }
  return bare.toLowerCase().replace(/\/+/g, '/').replace(/\/$/, '');
}

/** The first that fits. Paths as {@link canonicalPath} writes them; what precedes them is the provider's own prefix. */
const BY_PATH: readonly { path: RegExp; shape: UsageShape }[] = [
  { path: /\/embeddings$/, shape: EMBEDDINGS },
  { path: /\/chat\/completions$/, shape: CHAT },
  { path: /\/images\/(generations|edits|variations)$/, shape: IMAGES },
  { path: /\/audio\/(transcriptions|translations)$/, shape: RESPONSES },
  { path: /\/responses(\/[^/]+)?$/, shape: RESPONSES },
  { path: /\/completions$/, shape: CHAT },
  { path: /\/messages$/, shape: MESSAGES },
  { path: /:(embedcontent|batchembedcontents)$/, shape: EMBED_CONTENT },
  { path: /:(stream)?generatecontent$/, shape: GENERATE_CONTENT },
  { path: /\/api\/embed$/, shape: OLLAMA_EMBED },
  { path: /\/api\/(chat|generate)$/, shape: OLLAMA },
];

const BY_PROVIDER: Readonly<Record<string, UsageShape>> = {
  anthropic: MESSAGES,
  gemini: GENERATE_CONTENT,
  google: GENERATE_CONTENT,
  ollama: OLLAMA,
};

/**
 * How an endpoint reports usage. The path says more than the provider: most of them offer each other's APIs.
 *
 * @param path of the request; a query is ignored
 */
export function usageShapeOf(provider: string, path: string): UsageShape {
  const bare = canonicalPath(path);
  return BY_PATH.find((entry) => entry.path.test(bare))?.shape ?? BY_PROVIDER[provider] ?? CHAT;
}
