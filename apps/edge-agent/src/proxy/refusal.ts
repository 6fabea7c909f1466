import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Dialect } from './providers.ts';

export type RefusalKind =
  | 'denied'
  | 'not-allowed'
  | 'bad-request'
  | 'not-found'
  | 'unreachable'
  | 'unavailable'
  | 'no-credential';

const STATUS: Record<RefusalKind, number> = {
  'no-credential': 401,
  denied: 403,
  'not-allowed': 403,
  'bad-request': 400,
  'not-found': 404,
  unreachable: 502,
  unavailable: 503,
};

/** The words that each provider uses for the same thing, so that its own client raises its own error class. */
const OPENAI_TYPE: Record<RefusalKind, { type: string; code: string }> = {
  'no-credential': { type: 'invalid_request_error', code: 'invalid_api_key' },
  denied: { type: 'permission_error', code: 'policy_denied' },
  'not-allowed': { type: 'permission_error', code: 'caller_not_allowed' },
  'bad-request': { type: 'invalid_request_error', code: 'bad_request' },
  'not-found': { type: 'invalid_request_error', code: 'not_found' },
  unreachable: { type: 'server_error', code: 'upstream_unreachable' },
  unavailable: { type: 'server_error', code: 'unavailable' },
};
const ANTHROPIC_TYPE: Record<RefusalKind, string> = {
  'no-credential': 'authentication_error',
  denied: 'permission_error',
  'not-allowed': 'permission_error',
  'bad-request': 'invalid_request_error',
  'not-found': 'not_found_error',
  unreachable: 'api_error',
  unavailable: 'overloaded_error',
};
const GEMINI_STATUS: Record<RefusalKind, string> = {
  'no-credential': 'UNAUTHENTICATED',
  denied: 'PERMISSION_DENIED',
  'not-allowed': 'PERMISSION_DENIED',
  'bad-request': 'INVALID_ARGUMENT',
  'not-found': 'NOT_FOUND',
  unreachable: 'UNAVAILABLE',
  unavailable: 'UNAVAILABLE',
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
    case 'generic':
      return { error: { code: OPENAI_TYPE[kind].code, message } };
  }
}

/** Answers and ends the response; a response that has begun is cut off instead. */
export function refuse(
  response: ServerResponse,
  dialect: Dialect,
  kind: RefusalKind,
  message: string,
): number {
  const status = STATUS[kind];
  if (response.headersSent) {
    response.destroy();
    return response.statusCode;
  }
  const body = JSON.stringify(refusalBody(dialect, kind, message));
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-raypher': kind,
    // Both official clients obey this; asking again cannot change a verdict.
    ...(STATUS[kind] === 403 ? { 'x-should-retry': 'false' } : {}),
  });
  response.end(body);
  return status;
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
