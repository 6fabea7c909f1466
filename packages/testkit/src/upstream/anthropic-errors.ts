import { type ProviderError, sse } from './exchange.ts';

/** Anthropic's error shape for a status. */
export function anthropicError(status: number, requestId: string, message?: string): ProviderError {
  const type = TYPES[status] ?? 'api_error';
  return {
    status,
    body: {
      type: 'error',
      error: { type, message: message ?? SENTENCES[type] ?? type },
      request_id: requestId,
    },
    headers: { 'request-id': requestId, ...(status === 429 ? { 'retry-after': '1' } : {}) },
  };
}

/** What a stream carries when it breaks in the middle. */
export const ANTHROPIC_STREAM_ERROR = sse(
  { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
  'error',
);

const TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
};

const SENTENCES: Record<string, string> = {
  authentication_error: 'invalid x-api-key',
  rate_limit_error: 'This request would exceed your rate limit.',
  api_error: 'Internal server error',
  overloaded_error: 'Overloaded',
};
