import { tokenWeight, wholeTokens } from './estimate-tokens.ts';
import { isObject } from './json-path.ts';

/** Most that a picture sent as data is charged, in tokens, by the models of today at list price. */
const TOKENS_PER_IMAGE = 5_000;
/** Roles, separators and hidden instructions around each request and each message. */
const TOKENS_AROUND = 16;
const TOKENS_OF_BRACES = 4;
const DEEPEST = 64;

const IMAGE_DATA = /^data:image\//;

/** Fields that lead to pictures; anywhere else (arguments of tools, say) what looks like one is read as text. */
const PICTURE_WAY = new Set([
  'messages',
  'content',
  'source',
  'image_url',
  'url',
  'contents',
  'parts',
  'inlineData',
  'inline_data',
]);

/**
 * Fields that put into the prompt what is kept at the provider or fetched by it: how much that is, the request does
 * not say. OpenAI (Responses, files, stored prompts), Anthropic (files, containers), Gemini (caches, files).
 */
const ELSEWHERE = new Set([
  'previous_response_id',
  'conversation',
  'prompt_id',
  'file_id',
  'file_ids',
  'file_url',
  'vector_store_ids',
  'container',
  'cachedContent',
  'cached_content',
  'fileUri',
  'file_uri',
]);

export interface InputEstimate {
  /** Tokens of what the request itself holds, reckoned high. */
  readonly tokens: number;
  /** Whether it draws in more than it holds; then only the context window bounds the prompt. */
  readonly drawsInMore: boolean;
  /** What it holds besides text. */
  readonly media: readonly ('audioInput' | 'imageInput')[];
}

interface Found {
  weight: number;
  drawsInMore: boolean;
  hasAudio: boolean;
  hasImages: boolean;
}

/**
 * Reckons the prompt of a request without a tokenizer.
 *
 * @param body parsed JSON; text where the body is no JSON
 */
export function estimateInput(body: unknown): InputEstimate {
  const found: Found = { weight: TOKENS_AROUND, drawsInMore: false, hasAudio: false, hasImages: false };
  walk(body, found, { key: '', depth: 0, mayBePicture: true });
  return {
    tokens: wholeTokens(found.weight),
    drawsInMore: found.drawsInMore,
    media: [
      ...(found.hasAudio ? (['audioInput'] as const) : []),
      ...(found.hasImages ? (['imageInput'] as const) : []),
    ],
  };
}

/** Of a prompt in two parts. */
export function addEstimates(a: InputEstimate, b: InputEstimate): InputEstimate {
  return {
    tokens: a.tokens + b.tokens,
    drawsInMore: a.drawsInMore || b.drawsInMore,
    media: [...new Set([...a.media, ...b.media])],
  };
}

/** Of what a prompt has beyond a part of it. */
export function withoutEstimate(whole: InputEstimate, part: InputEstimate): InputEstimate {
  return { ...whole, tokens: Math.max(0, whole.tokens - part.tokens) };
}

interface Place {
  readonly key: string;
  readonly depth: number;
  /** Only messages and their parts lead here, so that a provider reads a picture as one. */
  readonly mayBePicture: boolean;
}

function walk(value: unknown, found: Found, place: Place): void {
  const { key, depth, mayBePicture } = place;
  if (typeof value === 'string') {
    const isPicture = mayBePicture && (key === 'url' || key === 'image_url') && IMAGE_DATA.test(value);
    found.weight += isPicture ? TOKENS_PER_IMAGE : tokenWeight(value);
  } else if (typeof value === 'number') {
    // Prompts may be sent as token numbers: one each.
    found.weight += 1;
  } else if (depth >= DEEPEST) {
    // Nobody nests so deep in earnest; what is below is not counted and therefore not bounded.
    found.drawsInMore = true;
  } else if (Array.isArray(value)) {
    for (const item of value) walk(item, found, { ...place, depth: depth + 1 });
  } else if (isObject(value)) {
    walkFields(value, found, place);
  }
}

function walkFields(value: Record<string, unknown>, found: Found, { depth, mayBePicture }: Place): void {
  const type = mediaType(value);
  if (type.startsWith('audio/')) found.hasAudio = true;
  const isPicture = mayBePicture && type.startsWith('image/');
  found.weight += TOKENS_OF_BRACES;
  for (const [key, item] of Object.entries(value)) {
    if (key === 'input_audio') found.hasAudio = true;
    if (key === 'image_url') found.hasImages = true;
    if (ELSEWHERE.has(key) && item !== null && item !== undefined && item !== false) found.drawsInMore = true;
    found.weight += tokenWeight(key);
    if (isPicture && key === 'data') {
      found.hasImages = true;
      found.weight += TOKENS_PER_IMAGE;
    } else {
      const leadsToPictures = PICTURE_WAY.has(key) || (depth === 0 && key === 'input');
      walk(item, found, { key, depth: depth + 1, mayBePicture: mayBePicture && leadsToPictures });
    }
  }
}

/** Base64 stands beside its type, as Anthropic (`media_type`) and Gemini (`mimeType`, `mime_type`) take it. */
function mediaType(value: Record<string, unknown>): string {
  const type = value.media_type ?? value.mimeType ?? value.mime_type;
  return typeof type === 'string' ? type.toLowerCase() : '';
}
