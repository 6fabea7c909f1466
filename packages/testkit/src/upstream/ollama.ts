import { z } from 'zod';
import type { Exchange, StreamEvent } from './exchange.ts';
import { countTokens, pieces, replyTo } from './reply.ts';

const ChatRequest = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string().default('') })).min(1),
  stream: z.boolean().default(true),
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
  const { model, messages, stream } = parsed.data;
  await answer(exchange, model, messages.at(-1)?.content ?? '', stream, (content) => ({
    message: { role: 'assistant', content },
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
  await answer(exchange, model, prompt, stream, (response) => ({ response }));
}

async function answer(
  exchange: Exchange,
  model: string,
  prompt: string,
  stream: boolean,
  part: (text: string) => Record<string, unknown>,
): Promise<void> {
  if (model === 'no-such-model') {
    exchange.json(404, { error: `model '${model}' not found` });
    return;
  }
  const reply = replyTo({ last: prompt, afterTool: false, tools: [], toolsAllowed: false });
  const text = reply.kind === 'text' ? reply.text : '';
  const line = (content: string, more: Record<string, unknown>) => ({
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
    prompt_eval_count: countTokens(prompt),
    prompt_eval_duration: 0,
    eval_count: countTokens(text),
    eval_duration: 1_000_000,
  };
  if (!stream) {
    exchange.json(200, line(text, end));
    return;
  }
  const lines = function* (): Iterable<StreamEvent> {
    for (const piece of pieces(text, exchange.behaviour.chunkCharacters)) {
      yield `${JSON.stringify(line(piece, { done: false }))}\n`;
    }
    yield `${JSON.stringify(line('', end))}\n`;
  };
  await exchange.stream('application/x-ndjson', lines(), `${JSON.stringify({ error: 'unexpected EOF' })}\n`);
}
