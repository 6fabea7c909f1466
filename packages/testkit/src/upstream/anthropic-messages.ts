import { z } from 'zod';
import { ANTHROPIC_STREAM_ERROR, anthropicError } from './anthropic-errors.ts';
import { type Exchange, type StreamEvent, sse } from './exchange.ts';
import { countTokens, pieces, type Reply, replyTo } from './reply.ts';

const Block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  content: z.unknown().optional(),
});

const CountRequest = z.looseObject({
  model: z.string(),
  messages: z
    .array(
      z.looseObject({ role: z.enum(['user', 'assistant']), content: z.union([z.string(), z.array(Block)]) }),
    )
    .min(1),
  system: z.unknown().optional(),
});

const MessagesRequest = CountRequest.extend({
  max_tokens: z.int().min(1),
  stream: z.boolean().default(false),
  tools: z.array(z.looseObject({ name: z.string(), input_schema: z.unknown().optional() })).optional(),
  tool_choice: z.looseObject({ type: z.string(), name: z.string().optional() }).optional(),
});
type MessagesRequest = z.infer<typeof MessagesRequest>;

/** `POST /v1/messages`, whole or as server-sent events. */
export async function messages(exchange: Exchange): Promise<void> {
  const request = parse(exchange, MessagesRequest);
  if (request === undefined) return;
  const reply = replyTo(conversationOf(request));
  const headers = { 'request-id': exchange.id('req_') };
  if (!request.stream) {
    exchange.json(200, message(exchange, request, reply), headers);
    return;
  }
  await exchange.stream(
    'text/event-stream; charset=utf-8',
    events(exchange, request, reply),
    ANTHROPIC_STREAM_ERROR,
    headers,
  );
}

/** `POST /v1/messages/count_tokens`. */
export function countMessageTokens(exchange: Exchange): void {
  const request = parse(exchange, CountRequest);
  if (request !== undefined) exchange.json(200, { input_tokens: inputTokens(request) });
}

function parse<Schema extends z.ZodType<{ model: string }>>(
  exchange: Exchange,
  schema: Schema,
): z.infer<Schema> | undefined {
  const parsed = schema.safeParse(exchange.request.json);
  const id = exchange.id('req_');
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    exchange.fail(anthropicError(400, id, `${issue?.path.join('.')}: ${issue?.message}`));
    return undefined;
  }
  if (parsed.data.model === 'no-such-model') {
    exchange.fail(anthropicError(404, id, `model: ${parsed.data.model}`));
    return undefined;
  }
  return parsed.data;
}

function conversationOf(request: MessagesRequest) {
  const last = request.messages.at(-1);
  const blocks =
    typeof last?.content === 'string' ? [{ type: 'text', text: last.content }] : (last?.content ?? []);
  const result = blocks.find((block) => block.type === 'tool_result');
  return {
    last: result === undefined ? blocks.map((block) => block.text ?? '').join('') : resultText(result),
    afterTool: result !== undefined,
    tools: (request.tools ?? []).map((tool) => ({ name: tool.name, schema: tool.input_schema })),
    forced: request.tool_choice?.name,
    toolsAllowed: request.tool_choice?.type !== 'none',
  };
}

function resultText(block: { content?: unknown }): string {
  if (typeof block.content === 'string') return block.content;
  const parts = z.array(z.looseObject({ text: z.string().optional() })).safeParse(block.content);
  return parts.success ? parts.data.map((part) => part.text ?? '').join('') : '';
}

function inputTokens(request: { messages: unknown; system?: unknown }): number {
  return countTokens(JSON.stringify([request.system ?? '', request.messages]));
}

function outputTokens(reply: Reply): number {
  return countTokens(reply.kind === 'text' ? reply.text : JSON.stringify(reply.input));
}

function contentBlock(exchange: Exchange, reply: Reply, filled: boolean) {
  return reply.kind === 'text'
    ? { type: 'text', text: filled ? reply.text : '' }
    : { type: 'tool_use', id: exchange.id('toolu_'), name: reply.name, input: filled ? reply.input : {} };
}

function message(exchange: Exchange, request: MessagesRequest, reply: Reply) {
  return {
    id: exchange.id('msg_'),
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: [contentBlock(exchange, reply, true)],
    stop_reason: stopReason(reply),
    stop_sequence: null,
    usage: usage(request, outputTokens(reply)),
  };
}

function stopReason(reply: Reply): string {
  return reply.kind === 'text' ? 'end_turn' : 'tool_use';
}

function usage(request: MessagesRequest, output: number) {
  return {
    input_tokens: inputTokens(request),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: output,
    service_tier: 'standard',
  };
}

function* events(exchange: Exchange, request: MessagesRequest, reply: Reply): Iterable<StreamEvent> {
  const event = (type: string, data: Record<string, unknown> = {}) => sse({ type, ...data }, type);
  yield event('message_start', {
    message: {
      ...message(exchange, request, reply),
      content: [],
      stop_reason: null,
      // The count at the start is of what was generated so far; `message_delta` brings the total, not a difference.
      usage: usage(request, 1),
    },
  });
  yield event('content_block_start', { index: 0, content_block: contentBlock(exchange, reply, false) });
  yield event('ping');
  const text = reply.kind === 'text' ? reply.text : JSON.stringify(reply.input);
  for (const piece of pieces(text, exchange.behaviour.chunkCharacters)) {
    const delta =
      reply.kind === 'text'
        ? { type: 'text_delta', text: piece }
        : { type: 'input_json_delta', partial_json: piece };
    yield event('content_block_delta', { index: 0, delta });
  }
  yield event('content_block_stop', { index: 0 });
  yield event('message_delta', {
    delta: { stop_reason: stopReason(reply), stop_sequence: null },
    usage: { output_tokens: outputTokens(reply) },
  });
  yield event('message_stop');
}
