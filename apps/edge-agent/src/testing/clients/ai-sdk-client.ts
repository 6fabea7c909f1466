import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, type LanguageModel, stepCountIs, streamText, tool } from 'ai';
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

/** `ai` with `@ai-sdk/openai`; its usual API there is responses. */
export function aiOpenai({ openai: baseURL }: Origins, apiKey: string): ClientScenarios {
  return scenarios((name) => createOpenAI({ baseURL, apiKey })(name));
}

/** `ai` with `@ai-sdk/openai` and chat completions, which compatible providers have. */
export function aiOpenaiChat({ openai: baseURL }: Origins, apiKey: string): ClientScenarios {
  return scenarios((name) => createOpenAI({ baseURL, apiKey }).chat(name));
}

/** `ai` with `@ai-sdk/anthropic`. */
export function aiAnthropic({ anthropic }: Origins, apiKey: string): ClientScenarios {
  return scenarios((name) => createAnthropic({ baseURL: `${anthropic}/v1`, apiKey })(name));
}

function scenarios(model: (name: string) => LanguageModel): ClientScenarios {
  const ask = ({ model: name, retries }: Conversation) => ({
    model: model(name),
    maxRetries: retries,
    instructions: 'Answer briefly.',
    prompt: QUESTION,
    maxOutputTokens: 200,
  });
  const loop = {
    tools: {
      weather: tool({
        description: WEATHER.description,
        inputSchema: jsonSchema(WEATHER.parameters),
        execute: async (input) => weatherIn(input),
      }),
    },
    stopWhen: stepCountIs(3),
  };
  return {
    async chat(with_) {
      const { text, finishReason, usage, response } = await generateText(ask(with_));
      return { text, finishReason, usage, body: response.body };
    },
    async stream(with_) {
      const answer = streamText({ ...ask(with_), onError: () => {} });
      return [await collect(answer.textStream), await answer.text, await answer.usage];
    },
    async tools(with_) {
      const { text, steps } = await generateText({ ...ask(with_), ...loop });
      return { text, steps: steps.map(({ toolCalls, toolResults }) => ({ toolCalls, toolResults })) };
    },
    async streamedTools(with_) {
      const answer = streamText({ ...ask(with_), ...loop, onError: () => {} });
      const steps = await answer.steps;
      return { text: await answer.text, steps: steps.map(({ toolCalls }) => toolCalls) };
    },
    async abort(with_) {
      const hangUp = new AbortController();
      const answer = streamText({ ...ask(with_), abortSignal: hangUp.signal, onError: () => {} });
      const beginning = await first(answer.textStream);
      hangUp.abort();
      return beginning;
    },
  };
}
