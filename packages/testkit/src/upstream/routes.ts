import { anthropicError } from './anthropic-errors.ts';
import { countMessageTokens, messages } from './anthropic-messages.ts';
import type { Exchange, ProviderError } from './exchange.ts';
import {
  batchEmbedContents,
  countGeminiTokens,
  embedContent,
  generateContent,
  streamGenerateContent,
} from './gemini.ts';
import { geminiError, geminiKeyError } from './gemini-errors.ts';
import { ollamaChat, ollamaGenerate } from './ollama.ts';
import { ollamaEmbed, ollamaTags, ollamaVersion } from './ollama-rest.ts';
import { chatCompletions } from './openai-chat.ts';
import { openaiError } from './openai-errors.ts';
import { responses } from './openai-responses.ts';
import { embeddings, models } from './openai-rest.ts';

interface Dialect {
  apiKey(exchange: Exchange): string | undefined;
  /** Where a bad key is something else than a 401. */
  keyError?: () => ProviderError;
  error(exchange: Exchange, status: number, message?: string): ProviderError;
}

const OPENAI: Dialect = {
  apiKey: (exchange) => bearer(exchange),
  error: (_, status, message) => openaiError(status, message),
};

const ANTHROPIC: Dialect = {
  apiKey: (exchange) => exchange.header('x-api-key') || bearer(exchange),
  error: (exchange, status, message) => anthropicError(status, exchange.id('req_'), message),
};

const GEMINI: Dialect = {
  apiKey: (exchange) =>
    exchange.header('x-goog-api-key') ||
    new URLSearchParams(exchange.request.query).get('key') ||
    bearer(exchange),
  keyError: geminiKeyError,
  error: (_, status, message) => geminiError(status, message),
};

/** Ollama knows no keys. */
const OLLAMA: Dialect = {
  apiKey: () => undefined,
  error: (_, status, message) => ({ status, body: { error: message ?? 'internal error' } }),
};

interface Route {
  method: 'GET' | 'POST';
  /** Matches the end of the path: providers put the same API under different roots (`/v1`, `/openai/v1`, none). */
  path: RegExp;
  dialect: Dialect;
  answer(exchange: Exchange): void | Promise<void>;
}

const ROUTES: Route[] = [
  { method: 'POST', path: /\/chat\/completions$/, dialect: OPENAI, answer: chatCompletions },
  { method: 'POST', path: /\/responses$/, dialect: OPENAI, answer: responses },
  { method: 'POST', path: /\/embeddings$/, dialect: OPENAI, answer: embeddings },
  { method: 'GET', path: /\/models$/, dialect: OPENAI, answer: models },
  { method: 'POST', path: /\/v1\/messages\/count_tokens$/, dialect: ANTHROPIC, answer: countMessageTokens },
  { method: 'POST', path: /\/v1\/messages$/, dialect: ANTHROPIC, answer: messages },
  { method: 'POST', path: /\/models\/[^/]+:generateContent$/, dialect: GEMINI, answer: generateContent },
  {
    method: 'POST',
    path: /\/models\/[^/]+:streamGenerateContent$/,
    dialect: GEMINI,
    answer: streamGenerateContent,
  },
  { method: 'POST', path: /\/models\/[^/]+:countTokens$/, dialect: GEMINI, answer: countGeminiTokens },
  { method: 'POST', path: /\/models\/[^/]+:embedContent$/, dialect: GEMINI, answer: embedContent },
  {
    method: 'POST',
    path: /\/models\/[^/]+:batchEmbedContents$/,
    dialect: GEMINI,
    answer: batchEmbedContents,
  },
  { method: 'POST', path: /\/api\/chat$/, dialect: OLLAMA, answer: ollamaChat },
  { method: 'POST', path: /\/api\/generate$/, dialect: OLLAMA, answer: ollamaGenerate },
  { method: 'POST', path: /\/api\/embed$/, dialect: OLLAMA, answer: ollamaEmbed },
  { method: 'GET', path: /\/api\/tags$/, dialect: OLLAMA, answer: ollamaTags },
  { method: 'GET', path: /\/api\/version$/, dialect: OLLAMA, answer: ollamaVersion },
];

/** Finds who answers a request, after the checks every provider makes first. */
export async function answer(exchange: Exchange): Promise<void> {
  const { method, path } = exchange.request;
  const route = ROUTES.find((candidate) => candidate.method === method && candidate.path.test(path));
  if (route === undefined) {
    exchange.fail(openaiError(404, `Invalid URL (${method} ${path})`, { code: 'unknown_url' }));
    return;
  }
  const { dialect } = route;
  const key = dialect.apiKey(exchange);
  if (key !== undefined && !exchange.behaviour.acceptKey(key)) {
    exchange.fail(dialect.keyError?.() ?? dialect.error(exchange, 401));
    return;
  }
  if (dialect === ANTHROPIC && exchange.header('anthropic-version') === '') {
    exchange.fail(dialect.error(exchange, 400, 'anthropic-version: header is required'));
    return;
  }
  if (exchange.behaviour.failWith !== undefined && exchange.number <= exchange.behaviour.failRequests) {
    exchange.fail(dialect.error(exchange, exchange.behaviour.failWith));
    return;
  }
  await route.answer(exchange);
}

function bearer(exchange: Exchange): string {
  return /^Bearer (.*)$/i.exec(exchange.header('authorization'))?.[1] ?? '';
}
