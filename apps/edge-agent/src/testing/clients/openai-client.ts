import OpenAI from 'openai';
import type { Origins } from './origins.ts';
import {
  type ClientScenarios,
  type Conversation,
  collect,
  first,
  QUESTION,
  WEATHER,
  weatherIn,
} from './scenario.ts';

const messages = [
  { role: 'system' as const, content: 'Answer briefly.' },
  { role: 'user' as const, content: QUESTION },
];
const chatTools = [{ type: 'function' as const, function: WEATHER }];
const responseTools = [{ type: 'function' as const, strict: false, ...WEATHER }];

/** `openai`, chat completions; also embeddings, models and uploads. */
export function openaiChat({ openai: baseURL }: Origins, apiKey: string): ClientScenarios {
  const client = ({ retries }: Conversation) => new OpenAI({ baseURL, apiKey, maxRetries: retries });
  return {
    chat: (with_) =>
      client(with_).chat.completions.create({ model: with_.model, messages, temperature: 0.2 }),
    stream: async (with_) =>
      collect(
        await client(with_).chat.completions.create({
          model: with_.model,
          messages,
          stream: true,
          stream_options: { include_usage: true },
        }),
      ),
    async tools(with_) {
      const { model } = with_;
      const asked = await client(with_).chat.completions.create({ model, messages, tools: chatTools });
      const message = asked.choices[0]?.message;
      const call = message?.tool_calls?.[0];
      if (message === undefined || call?.type !== 'function') throw new Error('There is no tool call.');
      const content = weatherIn(JSON.parse(call.function.arguments));
      const told = await client(with_).chat.completions.create({
        model,
        messages: [...messages, message, { role: 'tool', tool_call_id: call.id, content }],
        tools: chatTools,
      });
      return [asked, told];
    },
    async streamedTools(with_) {
      const run = client(with_).chat.completions.runTools({
        model: with_.model,
        messages,
        stream: true,
        tools: [
          {
            type: 'function',
            function: {
              ...WEATHER,
              parse: JSON.parse,
              function: (input: unknown) => weatherIn(input),
            },
          },
        ],
      });
      return [await run.finalContent(), run.messages];
    },
    abort: async (with_) =>
      first(await client(with_).chat.completions.create({ model: with_.model, messages, stream: true })),
    async more(with_) {
      const { embeddings, models } = client(with_);
      const input = ['one text', 'ein anderer Text'];
      return [
        await embeddings.create({ model: 'text-embedding-3-small', input }),
        await embeddings.create({ model: 'text-embedding-3-small', input, encoding_format: 'float' }),
        await collect(models.list()),
      ];
    },
  };
}

/** `openai`, responses. */
export function openaiResponses({ openai: baseURL }: Origins, apiKey: string): ClientScenarios {
  const client = ({ retries }: Conversation) => new OpenAI({ baseURL, apiKey, maxRetries: retries });
  const ask = { instructions: 'Answer briefly.', input: QUESTION };
  return {
    chat: (with_) => client(with_).responses.create({ model: with_.model, ...ask }),
    stream: async (with_) =>
      collect(await client(with_).responses.create({ model: with_.model, ...ask, stream: true })),
    async tools(with_) {
      const { model } = with_;
      const asked = await client(with_).responses.create({ model, ...ask, tools: responseTools });
      const told = await client(with_).responses.create(afterCall(model, asked.output));
      return [asked, told];
    },
    async streamedTools(with_) {
      const { model } = with_;
      const asked = client(with_).responses.stream({ model, ...ask, tools: responseTools });
      const { output } = await asked.finalResponse();
      const told = client(with_).responses.stream({ ...afterCall(model, output), stream: true });
      return [output, await told.finalResponse()];
    },
    abort: async (with_) =>
      first(await client(with_).responses.create({ model: with_.model, ...ask, stream: true })),
  };
}

function afterCall(model: string, output: OpenAI.Responses.ResponseOutputItem[]) {
  const call = output.find((item) => item.type === 'function_call');
  if (call === undefined) throw new Error('There is no function call.');
  return {
    model,
    tools: responseTools,
    input: [
      { role: 'user' as const, content: QUESTION },
      { type: 'function_call' as const, call_id: call.call_id, name: call.name, arguments: call.arguments },
      {
        type: 'function_call_output' as const,
        call_id: call.call_id,
        output: weatherIn(JSON.parse(call.arguments)),
      },
    ],
  };
}
