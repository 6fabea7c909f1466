import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Dialect } from './providers.ts';

export type RefusalKind =
  | 'denied'
  | 'not-allowed'
  | 'bad-request'
  | 'not-found'
  | 'misdirected'
  | 'unreachable'
  | 'unavailable'
  | 'no-credential'
  /** A spending limit would be exceeded. */
  | 'over-budget'
  /** Sensitive data that must not pass. */
  | 'data-blocked'
  | 'too-large';

const STATUS: Record<RefusalKind, number> = {
  'no-credential': 401,
  denied: 403,
  'not-allowed': 403,
  'bad-request': 400,
  'not-found': 404,
  misdirected: 421,
  unreachable: 502,
  unavailable: 503,
  'over-budget': 429,
  'data-blocked': 403,
  'too-large': 413,
};

/** Why a request goes no further. */
export interface Stop {
  readonly kind: RefusalKind;
  /** For the person in front of the program. */
  readonly message: string;
  /** When asking again makes sense, in milliseconds since the epoch; never when it does not by itself. */
  readonly retryAt?: number | undefined;
}

/** The words that each provider uses for the same thing, so that its own client raises its own error class. */
const OPENAI_TYPE: Record<RefusalKind, { type: string; code: string }> = {
  'no-credential': { type: 'invalid_request_error', code: 'invalid_api_key' },
  denied: { type: 'permission_error', code: 'policy_denied' },
  'not-allowed': { type: 'permission_error', code: 'caller_not_allowed' },
  'bad-request': { type: 'invalid_request_error', code: 'bad_request' },
  'not-found': { type: 'invalid_request_error', code: 'not_found' },
  misdirected: { type: 'invalid_request_error', code: 'misdirected_request' },
  unreachable: { type: 'server_error', code: 'upstream_unreachable' },
  unavailable: { type: 'server_error', code: 'unavailable' },
  'over-budget': { type: 'insufficient_quota', code: 'budget_exceeded' },
  'data-blocked': { type: 'permission_error', code: 'sensitive_data' },
  'too-large': { type: 'invalid_request_error', code: 'request_too_large' },
};
const ANTHROPIC_TYPE: Record<RefusalKind, string> = {
  'no-credential': 'authentication_error',
  denied: 'permission_error',
  'not-allowed': 'permission_error',
  'bad-request': 'invalid_request_error',
  'not-found': 'not_found_error',
  misdirected: 'invalid_request_error',
  unreachable: 'api_error',
  unavailable: 'overloaded_error',
  'over-budget': 'rate_limit_error',
  'data-blocked': 'permission_error',
  'too-large': 'request_too_large',
};
const GEMINI_STATUS: Record<RefusalKind, string> = {
  'no-credential': 'UNAUTHENTICATED',
  denied: 'PERMISSION_DENIED',
  'not-allowed': 'PERMISSION_DENIED',
  'bad-request': 'INVALID_ARGUMENT',
  'not-found': 'NOT_FOUND',
  misdirected: 'INVALID_ARGUMENT',
  unreachable: 'UNAVAILABLE',
  unavailable: 'UNAVAILABLE',
  'over-budget': 'RESOURCE_EXHAUSTED',
  'data-blocked': 'PERMISSION_DENIED',
  'too-large': 'INVALID_ARGUMENT',
};

const BEDROCK_TYPE: Record<RefusalKind, string> = {
  'no-credential': 'UnrecognizedClientException',
  denied: 'AccessDeniedException',
  'not-allowed': 'AccessDeniedException',
  'bad-request': 'ValidationException',
  'not-found': 'ResourceNotFoundException',
  misdirected: 'ValidationException',
  unreachable: 'InternalServerException',
  unavailable: 'ServiceUnavailableException',
  'over-budget': 'ThrottlingException',
  'data-blocked': 'AccessDeniedException',
  'too-large': 'ValidationException',
};

/** An answer of the proxy itself, in the shape that the provider's client understands. */
export function refusalBody(dialect: Dialect, kind: RefusalKind, message: string): Record<string, unknown> {
  switch (dialect) {
    case 'openai':
      return { error: { message, ...OPENAI_TYPE[kind], param: null } };
    case 'anthropic':
      return {
        type: 'error',
        error: { type: ANTHROPIC_TYPE[kind], message },
        request_id: `req_raypher_${randomUUID().replaceAll('-', '')}`,
      };
    case 'gemini':
      return { error: { code: STATUS[kind], message, status: GEMINI_STATUS[kind] } };
    case 'ollama':
      return { error: message };
    case 'mistral':
      return { object: 'error', message, ...OPENAI_TYPE[kind], param: null };
    case 'cohere':
      return { message };
    case 'bedrock':
      return { __type: BEDROCK_TYPE[kind], message };
    case 'generic':
      return { error: { code: OPENAI_TYPE[kind].code, message } };
  }
}

/**
 * What ends a stream of events that has begun, in the provider's way: its client raises an error instead of taking a
 * part for the whole.
 */
export function refusalEvent(dialect: Dialect, kind: RefusalKind, message: string): string {
  const body = JSON.stringify(refusalBody(dialect, kind, message));
  return dialect === 'anthropic' ? `event: error\ndata: ${body}\n\n` : `data: ${body}\n\n`;
}

/** Answers and ends the response; a response that has begun is cut off instead. */
export function refuse(
  response: ServerResponse,
  dialect: Dialect,
  kind: RefusalKind,
  message: string,
  retryAt?: number,
): number {
  const status = STATUS[kind];
  if (response.headersSent) {
    response.destroy();
    return response.statusCode;
  }
  const body = JSON.stringify(refusalBody(dialect, kind, message));
  // HTTP/2 keeps those of an answer that could not be written.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-raypher': kind,
    // Both official clients obey this; asking again cannot change a verdict, and a budget is not filled in seconds.
    ...(status === 403 || status === 429 ? { 'x-should-retry': 'false' } : {}),
    ...(retryAt === undefined ? {} : { 'retry-after': retryAfter(retryAt) }),
  });
  response.end(body);
  return status;
}

/** Whole seconds from now (RFC 9110 §10.2.3). */
function retryAfter(at: number): string {
  return String(Math.max(1, Math.ceil((at - Date.now()) / 1000)));
}

/** The status line and body for a refused CONNECT. */
export function tunnelRefusal(kind: RefusalKind, message: string): string {
  const body = JSON.stringify(refusalBody('generic', kind, message));
  const reason = STATUS[kind] === 403 ? 'Forbidden' : kind === 'bad-request' ? 'Bad Request' : 'Bad Gateway';
  return [
    `HTTP/1.1 ${STATUS[kind]} ${reason}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
