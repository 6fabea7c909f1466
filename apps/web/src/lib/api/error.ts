import { ErrorResponse } from '@raypher/shared/rest';

/** What a failed request says to a person: the server's own sentence, and what to do next. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(
    status: number,
    body: {
      code: string;
      message: string;
      hint?: string | undefined;
      details?: Record<string, unknown> | undefined;
    },
  ) {
    super(body.message);
    this.status = status;
    this.code = body.code;
    this.hint = body.hint;
    this.details = body.details;
  }
}

/** True when what was asked for is not there, or its name cannot be one: asking again gives the same answer. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.code === 'request/invalid');
}

/** Reads an error body; anything else (a proxy's HTML page, nothing at all) gets a sentence of our own. */
export function toApiError(status: number, body: unknown): ApiError {
  const parsed = ErrorResponse.safeParse(body);
  if (parsed.success) return new ApiError(status, parsed.data.error);
  return new ApiError(status, {
    code: status === 401 ? 'auth/required' : 'internal/unexpected',
    message: status === 401 ? 'You are signed out.' : `The control plane answered with status ${status}.`,
    hint:
      status >= 500
        ? 'Nothing was changed as far as this page knows. Reload to see the present state.'
        : undefined,
  });
}
