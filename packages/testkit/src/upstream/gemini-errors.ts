import type { ProviderError } from './exchange.ts';

/** Google's error shape (google.rpc.Status as JSON) for a status. */
export function geminiError(status: number, message?: string, details?: unknown[]): ProviderError {
  const known = KNOWN[status] ?? { status: 'UNKNOWN', message: 'Something is wrong.' };
  return {
    status,
    body: {
      error: {
        code: status,
        message: message ?? known.message,
        status: known.status,
        ...(details === undefined ? {} : { details }),
      },
    },
    headers: { 'content-type': GEMINI_JSON },
  };
}

/** A key that is none is an invalid argument here. */
export function geminiKeyError(): ProviderError {
  return geminiError(400, 'API key not valid. Please pass a valid API key.', [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    },
  ]);
}

export const GEMINI_JSON = 'application/json; charset=UTF-8';

const KNOWN: Record<number, { status: string; message: string }> = {
  400: { status: 'INVALID_ARGUMENT', message: 'Request contains an invalid argument.' },
  401: {
    status: 'UNAUTHENTICATED',
    message: 'Request had invalid authentication credentials.',
  },
  403: { status: 'PERMISSION_DENIED', message: 'The caller does not have permission.' },
  404: { status: 'NOT_FOUND', message: 'Requested entity was not found.' },
  429: { status: 'RESOURCE_EXHAUSTED', message: 'Resource has been exhausted (e.g. check quota).' },
  500: { status: 'INTERNAL', message: 'An internal error has occurred.' },
  503: { status: 'UNAVAILABLE', message: 'The model is overloaded. Please try again later.' },
};
