import { z } from 'zod';
import type { Exchange, StreamEvent } from './exchange.ts';
import { type Conversation, countTokens, pieces, replyTo } from './reply.ts';

const ChatRequest = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string().default('') })).min(1),
  stream: z.boolean().default(true),
  tools: z
    .array(z.looseObject({ function: z.looseObject({ name: z.string(), parameters: z.unknown() }) }))
    .default([]),
});

const GenerateRequest = z.looseObject({
  model: z.string(),
  prompt: z.string().default(''),
  stream: z.boolean().default(true),
});

const CREATED_AT = '2026-09-21T12:53:20.000Z';

/** `POST /api/chat`: newline-delimited JSON unless `stream` is false. */
export async function ollamaChat(exchange: Exchange): Promise<void> {
  const parsed = ChatRequest.safeParse(exchange.request.json);
  if (!parsed.success) {
    exchange.json(400, { error: parsed.error.issues[0]?.message });
    return;
  }
  const { model, messages, stream, tools } = parsed.data;
  const last = messages.at(-1);
  const conversation = {
    last: last?.content ?? '',
    afterTool: last?.role === 'tool',
    tools: tools.map(({ function: { name, parameters } }) => ({ name, schema: parameters })),
    toolsAllowed: true,
  };
  await answer(exchange, model, conversation, stream, (part) => ({
    message:
      typeof part === 'string'
        ? { role: 'assistant', content: part }
        : { role: 'assistant', content: '', tool_calls: [{ function: part }] },
  }));
}

/** `POST /api/generate`: newline-delimited JSON unless `stream` is false. */
export async function ollamaGenerate(exchange: Exchange): Promise<void> {
  const parsed = GenerateRequest.safeParse(exchange.request.json);
  if (!parsed.success) {
    exchange.json(400, { error: parsed.error.issues[0]?.message });
    return;
  }
  const { model, prompt, stream } = parsed.data;
  const conversation = { last: prompt, afterTool: false, tools: [], toolsAllowed: false };
  await answer(exchange, model, conversation, stream, (response) => ({ response }));
}

/** A tool call, which comes in one piece. */
interface Call {
  name: string;
  arguments: Record<string, unknown>;
}

async function answer(
  exchange: Exchange,
  model: string,
  conversation: Conversation,
  stream: boolean,
  part: (content: string | Call) => Record<string, unknown>,
): Promise<void> {
  if (model === 'no-such-model') {
    exchange.json(404, { error: `model '${model}' not found` });
    return;
  }
  const reply = replyTo(conversation);
  const content = reply.kind === 'text' ? reply.text : { name: reply.name, arguments: reply.input };
  const parts = typeof content === 'string' ? pieces(content, exchange.behaviour.chunkCharacters) : [content];
  const line = (content: string | Call, more: Record<string, unknown>) => ({
    model,
    created_at: CREATED_AT,
    ...part(content),
    ...more,
  });
  const end = {
    done: true,
    done_reason: 'stop',
    total_duration: 1_000_000,
    load_duration: 0,
    prompt_eval_count: countTokens(conversation.last),
    prompt_eval_duration: 0,
    eval_count: countTokens(typeof content === 'string' ? content : JSON.stringify(content)),
    eval_duration: 1_000_000,
  };
  if (!stream) {
    exchange.json(200, line(content, end));
    return;
  }
  const lines = function* (): Iterable<StreamEvent> {
    for (const piece of parts) {
      yield `${JSON.stringify(line(piece, { done: false }))}\n`;
    }
    yield `${JSON.stringify(line('', end))}\n`;
  };
  await exchange.stream('application/x-ndjson', lines(), `${JSON.stringify({ error: 'unexpected EOF' })}\n`);
}
