import { ChatAnthropic } from '@langchain/anthropic';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import {
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
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

/** `@langchain/openai`, chat completions. */
export function langchainOpenai({ openai: baseURL }: Origins, apiKey: string): ClientScenarios {
  return scenarios(
    ({ model, retries }) =>
      new ChatOpenAI({ model, apiKey, maxRetries: retries, configuration: { baseURL } }),
  );
}

/** `@langchain/openai`, responses. */
export function langchainResponses({ openai: baseURL }: Origins, apiKey: string): ClientScenarios {
  return scenarios(
    ({ model, retries }) =>
      new ChatOpenAI({
        model,
        apiKey,
        maxRetries: retries,
        useResponsesApi: true,
        configuration: { baseURL },
      }),
  );
}

/** `@langchain/anthropic`, which brings a release of `@anthropic-ai/sdk` of its own. */
export function langchainAnthropic({ anthropic }: Origins, apiKey: string): ClientScenarios {
  return scenarios(
    ({ model, retries }) =>
      new ChatAnthropic({ model, apiKey, maxRetries: retries, maxTokens: 200, anthropicApiUrl: anthropic }),
  );
}

const weather = tool((input) => weatherIn(input), { ...WEATHER, schema: WEATHER.parameters });

function scenarios(model: (with_: Conversation) => ChatOpenAI | ChatAnthropic): ClientScenarios {
  const ask = () => [new SystemMessage('Answer briefly.'), new HumanMessage(QUESTION)];
  const withTools = (with_: Conversation) => {
    const bound: BaseChatModel = model(with_);
    if (bound.bindTools === undefined) throw new Error('The model takes no tools.');
    return bound.bindTools([weather]);
  };
  const afterCall = async (answer: AIMessageChunk): Promise<BaseMessage[]> => {
    const call = answer.tool_calls?.[0];
    if (call === undefined) throw new Error('There is no tool call.');
    const content = String(await weather.invoke(call.args as never));
    return [...ask(), answer, new ToolMessage({ content, tool_call_id: call.id ?? '', name: call.name })];
  };
  return {
    chat: (with_) => model(with_).invoke(ask()),
    stream: async (with_) => collect(await model(with_).stream(ask())),
    async tools(with_) {
      const asked = await withTools(with_).invoke(ask());
      return [asked, await withTools(with_).invoke(await afterCall(asked))];
    },
    async streamedTools(with_) {
      const parts = await collect(await withTools(with_).stream(ask()));
      const asked = parts.reduce((all, part) => all.concat(part));
      return [asked, await collect(await withTools(with_).stream(await afterCall(asked)))];
    },
    async abort(with_) {
      const hangUp = new AbortController();
      const answer = await model(with_).stream(ask(), { signal: hangUp.signal });
      const beginning = await first(answer);
      hangUp.abort();
      return beginning;
    },
  };
}
