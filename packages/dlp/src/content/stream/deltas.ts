import type { JsonLeaf } from '../json/read-json.ts';
import { leafShape } from '../json/read-json.ts';

/** How the text of a channel is written: as it is, or as a piece of a JSON document. */
export type ChannelMode = 'text' | 'json';

/** A leaf that carries the next piece of a longer text. */
export interface Delta {
  /** Pieces with the same key make up one text. */
  channel: string;
  mode: ChannelMode;
}

type ModeOf = ChannelMode | ((leaf: JsonLeaf) => ChannelMode | undefined);

/**
 * Leaves that carry pieces. Sources: streaming references of OpenAI (chat completions, completions, responses),
 * Anthropic (messages), Gemini (streamGenerateContent) and Ollama (chat, generate).
 */
const DELTAS: readonly (readonly [RegExp, ModeOf])[] = [
  [/^\/choices\/\*\/delta\/(?:tool_calls\/\*\/function|function_call)\/arguments$/, 'json'],
  [/^\/choices\/\*\/delta\/tool_calls\/\*\/custom\/input$/, 'text'],
  [/^\/choices\/\*\/delta\/(?:content|refusal|reasoning|reasoning_content|audio\/transcript)$/, 'text'],
  [/^\/choices\/\*\/delta\/(?:content|reasoning_details)\/\*\/(?:text|summary)$/, 'text'],
  [/^\/choices\/\*\/text$/, 'text'],
  [/^\/choices\/\*\/logprobs\/content\/\*\/token$/, 'text'],
  [/^\/delta$/, ({ container }) => modeOfDelta(container?.fields?.get('type') ?? '')],
  [/^\/delta\/partial_json$/, 'json'],
  [/^\/delta\/(?:text|thinking)$/, 'text'],
  [/^\/(?:\*\/)?candidates\/\*\/content\/parts\/\*\/text$/, 'text'],
  // Vertex AI with `streamFunctionCallArguments`; each piece says by `jsonPath` which argument it belongs to.
  [/^\/(?:\*\/)?candidates\/\*\/content\/parts\/\*\/functionCall\/partialArgs\/\*\/stringValue$/, 'text'],
  [/^\/message\/(?:content|thinking)$/, 'text'],
  [/^\/(?:response|completion|thinking)$/, 'text'],
  // Providers that are not known: the names that streams of text are given.
  [
    /^(?:\/(?!tools|choices|candidates)[^/]+){0,3}\/(?:text|content|token|generated_text|answer|output_text)$/,
    'text',
  ],
];

/** Sound is no text that goes on: held back, it would stutter. */
function modeOfDelta(type: string): ChannelMode | undefined {
  if (/(?:^|[._])audio\.delta$/.test(type)) return undefined;
  return type.includes('arguments') ? 'json' : 'text';
}

/** Numbers and ids that tell texts apart which arrive at the same time. */
const TELLING_APART = ['index', 'output_index', 'content_index', 'item_id', 'thought', 'jsonPath'];

/** Whole texts that repeat what came in pieces: events that end with these words. */
const REPEATING = /\.(?:done|completed|added|failed|incomplete)$/;

const MAX_KNOWN = 512;
const known = new Map<string, ModeOf | undefined>();

/** @returns the channel that a leaf belongs to; undefined when it is a text of its own */
export function deltaOf(leaf: JsonLeaf): Delta | undefined {
  if (leaf.kind !== 'string' || leaf.container === undefined) return undefined;
  const shape = leafShape(leaf);
  let mode = known.get(shape);
  if (mode === undefined && !known.has(shape)) {
    mode = DELTAS.find(([pattern]) => pattern.test(shape))?.[1];
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(shape, mode);
  }
  if (mode === undefined) return undefined;
  const written = typeof mode === 'function' ? mode(leaf) : mode;
  if (written === undefined) return undefined;
  let apart = '';
  for (let at: typeof leaf.container | undefined = leaf.container; at !== undefined; at = at.parent) {
    if (at.parent === undefined && REPEATING.test(at.fields?.get('type') ?? '')) return undefined;
    if (at.fields === undefined) continue;
    for (const name of TELLING_APART) {
      const value = at.fields.get(name);
      if (value !== undefined) apart += `|${name}=${value}`;
    }
  }
  return { channel: `${shape}${apart}`, mode: written };
}

/** Parts of channel keys whose texts an event ends; an empty list ends all, undefined none. */
export function endedChannels(
  root: JsonLeaf['container'],
  leaves: readonly JsonLeaf[],
): readonly string[] | undefined {
  const type = root?.fields?.get('type');
  if (type === 'content_block_stop') return [`|index=${root?.fields?.get('index')}`];
  if (
    type !== undefined &&
    /^(?:message_stop|message_delta|error)$|\.(?:completed|failed|incomplete)$/.test(type)
  )
    return [];
  if (type !== undefined && REPEATING.test(type) && type.endsWith('.done')) {
    const item = root?.fields?.get('item_id');
    return item === undefined ? undefined : [`|item_id=${item}`];
  }
  if (root?.fields?.get('done') === 'true') return [];
  const finished: string[] = [];
  for (const { container } of leaves) {
    const reason = container?.fields?.get('finish_reason') ?? container?.fields?.get('finishReason');
    if (reason === undefined || !/\/(?:choices|candidates)\/\*$/.test(container?.shape ?? '')) continue;
    const index = container?.fields?.get('index');
    if (index === undefined) return [];
    finished.push(`|index=${index}`);
  }
  return finished.length === 0 ? undefined : finished;
}
