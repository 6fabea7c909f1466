import { type Message, Ollama } from 'ollama';
import type { Origins } from './origins.ts';
import {
  type ClientScenarios,
  type Conversation,
  collect,
  QUESTION,
  WEATHER,
  weatherIn,
} from './scenario.ts';

const tools = [{ type: 'function', function: WEATHER }];

/** `ollama`, on this machine or in its cloud. */
export function ollama({ ollama: host }: Origins, apiKey: string): ClientScenarios {
  const client = new Ollama({ host, headers: { authorization: `Bearer ${apiKey}` } });
  const messages: Message[] = [
    { role: 'system', content: 'Answer briefly.' },
    { role: 'user', content: QUESTION },
  ];
  const afterCall = ({ model }: Conversation, parts: readonly { message: Message }[]) => {
    const call = parts.flatMap(({ message }) => message.tool_calls ?? [])[0];
    if (call === undefined) throw new Error('There is no tool call.');
    const { name, arguments: input } = call.function;
    return {
      model,
      tools,
      messages: [
        ...messages,
        { role: 'assistant', content: '', tool_calls: [call] },
        { role: 'tool', tool_name: name, content: weatherIn(input) },
      ],
    };
  };
  return {
    chat: ({ model }) => client.chat({ model, messages }),
    stream: async ({ model }) => collect(await client.chat({ model, messages, stream: true })),
    async tools(with_) {
      const asked = await client.chat({ model: with_.model, messages, tools });
      return [asked, await client.chat(afterCall(with_, [asked]))];
    },
    async streamedTools(with_) {
      const { model } = with_;
      const asked = await collect(await client.chat({ model, messages, tools, stream: true }));
      return [asked, await collect(await client.chat({ ...afterCall(with_, asked), stream: true }))];
    },
    async abort({ model }) {
      const answer = await client.chat({ model, messages, stream: true });
      let beginning: unknown;
      try {
        for await (const part of answer) {
          beginning ??= part;
          answer.abort();
        }
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
      }
      return beginning;
    },
    more: async ({ model }) => [
      await client.embed({ model, input: ['one text', 'ein anderer Text'] }),
      await client.generate({ model, prompt: QUESTION }),
      await collect(await client.generate({ model, prompt: QUESTION, stream: true })),
      await client.list(),
    ],
  };
}
