import { z } from 'zod';
import { type Exchange, type StreamEvent, sse } from './exchange.ts';
import { openaiError } from './openai-errors.ts';
import { countTokens, pieces, type Reply, replyTo } from './reply.ts';

const Item = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).optional(),
  output: z.unknown().optional(),
});

const ResponsesRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(Item).min(1)]),
  stream: z.boolean().nullish(),
  tools: z
    .array(
      z.looseObject({ type: z.string(), name: z.string().optional(), parameters: z.unknown().optional() }),
    )
    .optional(),
  tool_choice: z.unknown().optional(),
});
type ResponsesRequest = z.infer<typeof ResponsesRequest>;

const STREAM_ERROR = sse(
  {
    type: 'error',
    sequence_number: 0,
    code: 'server_error',
    message: 'The server had an error.',
    param: null,
  },
  'error',
);

/** `POST /v1/responses`, whole or as server-sent events. */
export async function responses(exchange: Exchange): Promise<void> {
  const parsed = ResponsesRequest.safeParse(exchange.request.json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    exchange.fail(openaiError(400, issue?.message, { param: issue?.path.join('.') ?? '' }));
    return;
  }
  const request = parsed.data;
  if (request.model === 'no-such-model') {
    exchange.fail(
      openaiError(400, `The requested model '${request.model}' does not exist.`, { code: 'model_not_found' }),
    );
    return;
  }
  const reply = replyTo(conversationOf(request));
  if (request.stream !== true) {
    exchange.json(200, responseObject(exchange, request, reply, 'completed'));
    return;
  }
  await exchange.stream('text/event-stream; charset=utf-8', events(exchange, request, reply), STREAM_ERROR);
}

function conversationOf(request: ResponsesRequest) {
  const items = typeof request.input === 'string' ? [] : request.input;
  const last = items.at(-1);
  const afterTool = last?.type === 'function_call_output';
  return {
    last: typeof request.input === 'string' ? request.input : afterTool ? String(last?.output) : textOf(last),
    afterTool,
    tools: (request.tools ?? []).flatMap((tool) =>
      tool.type === 'function' && tool.name !== undefined
        ? [{ name: tool.name, schema: tool.parameters }]
        : [],
    ),
    toolsAllowed: request.tool_choice !== 'none',
  };
}

function textOf(item: z.infer<typeof Item> | undefined): string {
  if (typeof item?.content === 'string') return item.content;
  return (item?.content ?? []).map((part) => part.text ?? '').join('');
}

function outputItem(exchange: Exchange, reply: Reply, status: 'in_progress' | 'completed') {
  const done = status === 'completed';
  if (reply.kind === 'tool') {
    return {
      id: exchange.id('fc_'),
      type: 'function_call',
      status,
      call_id: exchange.id('call_'),
      name: reply.name,
      arguments: done ? JSON.stringify(reply.input) : '',
    };
  }
  return {
    id: exchange.id('msg_'),
    type: 'message',
    status,
    role: 'assistant',
    content: done ? [textPart(reply.text)] : [],
  };
}

function textPart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function responseObject(
  exchange: Exchange,
  request: ResponsesRequest,
  reply: Reply,
  status: 'in_progress' | 'completed',
) {
  const done = status === 'completed';
  const input = countTokens(JSON.stringify(request.input));
  const output = countTokens(reply.kind === 'text' ? reply.text : JSON.stringify(reply.input));
  return {
    id: exchange.id('resp_'),
    object: 'response',
    created_at: 1_790_000_000,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: request.model,
    output: done ? [outputItem(exchange, reply, 'completed')] : [],
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: request.tools ?? [],
    top_p: 1,
    usage: done
      ? {
          input_tokens: input,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: output,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: input + output,
        }
      : null,
  };
}

function* events(exchange: Exchange, request: ResponsesRequest, reply: Reply): Iterable<StreamEvent> {
  let sequence = 0;
  const event = (type: string, data: Record<string, unknown>) => {
    const text = sse({ type, sequence_number: sequence, ...data }, type);
    sequence += 1;
    return text;
  };
  const started = responseObject(exchange, request, reply, 'in_progress');
  yield event('response.created', { response: started });
  yield event('response.in_progress', { response: started });
  const open = outputItem(exchange, reply, 'in_progress');
  yield event('response.output_item.added', { output_index: 0, item: open });
  const at = { item_id: open.id, output_index: 0 };
  const size = exchange.behaviour.chunkCharacters;
  if (reply.kind === 'tool') {
    const json = JSON.stringify(reply.input);
    for (const piece of pieces(json, size)) {
      yield event('response.function_call_arguments.delta', { ...at, delta: piece });
    }
    yield event('response.function_call_arguments.done', { ...at, name: reply.name, arguments: json });
  } else {
    const inPart = { ...at, content_index: 0 };
    yield event('response.content_part.added', { ...inPart, part: textPart('') });
    for (const piece of pieces(reply.text, size)) {
      yield event('response.output_text.delta', { ...inPart, delta: piece, logprobs: [] });
    }
    yield event('response.output_text.done', { ...inPart, text: reply.text, logprobs: [] });
    yield event('response.content_part.done', { ...inPart, part: textPart(reply.text) });
  }
  yield event('response.output_item.done', {
    output_index: 0,
    item: outputItem(exchange, reply, 'completed'),
  });
  yield event('response.completed', { response: responseObject(exchange, request, reply, 'completed') });
}
