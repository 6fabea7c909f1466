import Anthropic from '@anthropic-ai/sdk';
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

const tools = [{ name: WEATHER.name, description: WEATHER.description, input_schema: WEATHER.parameters }];

/** `@anthropic-ai/sdk`, messages. */
export function anthropicMessages({ anthropic: baseURL }: Origins, apiKey: string): ClientScenarios {
  const client = ({ retries }: Conversation) => new Anthropic({ baseURL, apiKey, maxRetries: retries });
  const question = { role: 'user' as const, content: QUESTION };
  const ask = ({ model }: Conversation) => ({
    model,
    max_tokens: 200,
    system: 'Answer briefly.',
    messages: [question],
  });
  const afterUse = (with_: Conversation, content: Anthropic.ContentBlock[]) => {
    const use = content.find((block) => block.type === 'tool_use');
    if (use === undefined) throw new Error('There is no tool use.');
    return {
      ...ask(with_),
      tools,
      messages: [
        question,
        { role: 'assistant' as const, content },
        {
          role: 'user' as const,
          content: [{ type: 'tool_result' as const, tool_use_id: use.id, content: weatherIn(use.input) }],
        },
      ],
    };
  };
  return {
    chat: (with_) => client(with_).messages.create(ask(with_)),
    stream: async (with_) => collect(await client(with_).messages.create({ ...ask(with_), stream: true })),
    async tools(with_) {
      const asked = await client(with_).messages.create({ ...ask(with_), tools });
      return [asked, await client(with_).messages.create(afterUse(with_, asked.content))];
    },
    async streamedTools(with_) {
      const asked = await client(with_)
        .messages.stream({ ...ask(with_), tools })
        .finalMessage();
      return [asked, await client(with_).messages.stream(afterUse(with_, asked.content)).finalMessage()];
    },
    abort: async (with_) => first(await client(with_).messages.create({ ...ask(with_), stream: true })),
    more: ({ model, retries }) =>
      client({ model, retries }).messages.countTokens({ model, messages: [question] }),
  };
}
