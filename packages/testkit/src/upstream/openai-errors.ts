import { type ProviderError, sse } from './exchange.ts';

/** OpenAI's error shape for a status. */
export function openaiError(
  status: number,
  message?: string,
  more: { code?: string; param?: string } = {},
): ProviderError {
  const known = KNOWN[status] ?? {
    type: 'invalid_request_error',
    code: null,
    message: 'Something is wrong.',
  };
  const error = {
    message: message ?? known.message,
    type: known.type,
    param: more.param ?? null,
    code: more.code ?? known.code,
  };
  return {
    status,
    body: { error },
    headers:
      status === 429
        ? { 'retry-after': '1', 'retry-after-ms': '20', 'x-ratelimit-remaining-requests': '0' }
        : {},
  };
}

/** What a stream carries when it breaks in the middle. */
export const OPENAI_STREAM_ERROR = sse({
  error: { message: 'The server had an error.', type: 'server_error', param: null, code: null },
});

const KNOWN: Record<number, { type: string; code: string | null; message: string }> = {
  400: { type: 'invalid_request_error', code: null, message: 'The request could not be understood.' },
  401: { type: 'invalid_request_error', code: 'invalid_api_key', message: 'Incorrect API key provided.' },
  403: {
    type: 'invalid_request_error',
    code: 'unsupported_country_region_territory',
    message: 'Not allowed.',
  },
  404: { type: 'invalid_request_error', code: 'model_not_found', message: 'The model does not exist.' },
  429: { type: 'requests', code: 'rate_limit_exceeded', message: 'Rate limit reached.' },
  500: { type: 'server_error', code: null, message: 'The server had an error.' },
  503: { type: 'server_error', code: null, message: 'The engine is currently overloaded.' },
};
