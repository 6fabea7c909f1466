import { aiAnthropic, aiOpenai, aiOpenaiChat } from './ai-sdk-client.ts';
import { anthropicMessages } from './anthropic-client.ts';
import { gemini } from './gemini-client.ts';
import { langchainAnthropic, langchainOpenai, langchainResponses } from './langchain-client.ts';
import { ollama } from './ollama-client.ts';
import { openaiChat, openaiResponses } from './openai-client.ts';
import type { Origins } from './origins.ts';
import type { ClientScenarios } from './scenario.ts';

/** Every client that the matrix runs. */
export const CLIENTS: Readonly<Record<string, (origins: Origins, apiKey: string) => ClientScenarios>> = {
  'openai, chat completions': openaiChat,
  'openai, responses': openaiResponses,
  '@anthropic-ai/sdk': anthropicMessages,
  '@google/genai': gemini,
  ollama,
  'ai with @ai-sdk/openai': aiOpenai,
  'ai with @ai-sdk/openai, chat completions': aiOpenaiChat,
  'ai with @ai-sdk/anthropic': aiAnthropic,
  '@langchain/openai': langchainOpenai,
  '@langchain/openai, responses': langchainResponses,
  '@langchain/anthropic': langchainAnthropic,
};
