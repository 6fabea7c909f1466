import { z } from 'zod';
import { type Exchange, type StreamEvent, sse } from './exchange.ts';
import { OPENAI_STREAM_ERROR, openaiError } from './openai-errors.ts';
import { countTokens, pieces, type Reply, replyTo } from './reply.ts';

const Content = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() })), z.null()]);

const ChatRequest = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: Content.optional() })).min(1),
  stream: z.boolean().default(false),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  tools: z
    .array(
      z.looseObject({
        function: z.looseObject({ name: z.string(), parameters: z.unknown().optional() }).optional(),
      }),
    )
    .optional(),
  tool_choice: z.unknown().optional(),
});
type ChatRequest = z.infer<typeof ChatRequest>;

const ForcedTool = z.looseObject({ function: z.looseObject({ name: z.string() }) });

/** Seconds since 1970, fixed: answers are the same in every run. */
const CREATED = 1_790_000_000;

/** `POST /v1/chat/completions`, whole or as server-sent events. */
export async function chatCompletions(exchange: Exchange): Promise<void> {
  const parsed = ChatRequest.safeParse(exchange.request.json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    exchange.fail(openaiError(400, issue?.message, { param: issue?.path.join('.') ?? '' }));
    return;
  }
  const request = parsed.data;
  if (request.model === 'no-such-model') {
    exchange.fail(
      openaiError(404, `The model \`${request.model}\` does not exist or you do not have access to it.`),
    );
    return;
  }
  const reply = replyTo(conversationOf(request));
  const usage = usageOf(request, reply);
  if (!request.stream) {
    exchange.json(200, completion(exchange, request, reply, usage));
    return;
  }
  await exchange.stream(
    'text/event-stream; charset=utf-8',
    chunks(exchange, request, reply, usage),
    OPENAI_STREAM_ERROR,
  );
}

function conversationOf(request: ChatRequest) {
  const last = request.messages.at(-1);
  const forced = ForcedTool.safeParse(request.tool_choice);
  return {
    last: textOf(last?.content),
    afterTool: last?.role === 'tool' || last?.role === 'function',
    tools: (request.tools ?? []).flatMap((tool) =>
      tool.function === undefined ? [] : [{ name: tool.function.name, schema: tool.function.parameters }],
    ),
    forced: forced.success ? forced.data.function.name : undefined,
    toolsAllowed: request.tool_choice !== 'none',
  };
}

function textOf(content: z.infer<typeof Content> | undefined): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? '').join('');
}

function usageOf(request: ChatRequest, reply: Reply) {
  const prompt = countTokens(request.messages.map((message) => textOf(message.content)).join(' '));
  const completionTokens = countTokens(reply.kind === 'text' ? reply.text : JSON.stringify(reply.input));
  return {
    prompt_tokens: prompt,
    completion_tokens: completionTokens,
    total_tokens: prompt + completionTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

function completion(
  exchange: Exchange,
  request: ChatRequest,
  reply: Reply,
  usage: ReturnType<typeof usageOf>,
) {
  const message =
    reply.kind === 'text'
      ? { role: 'assistant', content: reply.text, refusal: null }
      : {
          role: 'assistant',
          content: null,
          refusal: null,
          tool_calls: [
            {
              id: exchange.id('call_'),
              type: 'function',
              function: { name: reply.name, arguments: JSON.stringify(reply.input) },
            },
          ],
        };
  return {
    id: exchange.id('chatcmpl-'),
    object: 'chat.completion',
    created: CREATED,
    model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(reply) }],
    usage,
    service_tier: 'default',
    system_fingerprint: 'fp_fake',
  };
}

function finishReason(reply: Reply): string {
  return reply.kind === 'text' ? 'stop' : 'tool_calls';
}

function* chunks(
  exchange: Exchange,
  request: ChatRequest,
  reply: Reply,
  usage: ReturnType<typeof usageOf>,
): Iterable<StreamEvent> {
  const withUsage = request.stream_options?.include_usage === true;
  const chunk = (choices: unknown[], used: unknown = null) =>
    sse({
      id: exchange.id('chatcmpl-'),
      object: 'chat.completion.chunk',
      created: CREATED,
      model: request.model,
      service_tier: 'default',
      system_fingerprint: 'fp_fake',
      choices,
      ...(withUsage ? { usage: used } : {}),
    });
  const delta = (value: unknown, finish: string | null = null) =>
    chunk([{ index: 0, delta: value, logprobs: null, finish_reason: finish }]);

  for (const value of deltas(exchange, reply)) yield delta(value);
  yield delta({}, finishReason(reply));
  if (withUsage) yield chunk([], usage);
  yield sse('[DONE]');
}

function* deltas(exchange: Exchange, reply: Reply): Iterable<unknown> {
  const size = exchange.behaviour.chunkCharacters;
  if (reply.kind === 'text') {
    yield { role: 'assistant', content: '', refusal: null };
    for (const piece of pieces(reply.text, size)) yield { content: piece };
    return;
  }
  const call = { index: 0, id: exchange.id('call_'), type: 'function' };
  yield {
    role: 'assistant',
    content: null,
    tool_calls: [{ ...call, function: { name: reply.name, arguments: '' } }],
  };
  for (const piece of pieces(JSON.stringify(reply.input), size)) {
    yield { tool_calls: [{ index: 0, function: { arguments: piece } }] };
  }
}
