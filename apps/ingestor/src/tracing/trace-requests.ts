import type { NextFunction, Request, Response } from 'express';
import { routeOf } from '../http/measure-requests.ts';
import { within } from './current-span.ts';
import { NOT_TRACED } from './traced-span.ts';
import type { TracingService } from './tracing.service.ts';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Traces requests that change something: they are few, and what they start goes on in other processes. What a client
 * says about a trace of its own is not listened to.
 */
export function traceRequests(tracing: TracingService) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const span = READS.has(request.method)
      ? NOT_TRACED
      : tracing.start('rest.request', { 'http.request.method': request.method });
    response.once('close', () => {
      const status = response.statusCode;
      span.end({
        'http.route': routeOf(request),
        'http.response.status_code': status,
        ...(status >= 500 ? { 'raypher.error.code': 'internal/unexpected' } : {}),
      });
    });
    within(span, next);
  };
}
