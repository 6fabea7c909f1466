import type { NextFunction, Request, Response } from 'express';
import type { MetricsService } from '../metrics/metrics.service.ts';

/** Asked by machines, and often: they would hide what people wait for. */
const NOT_MEASURED = new Set(['/healthz', '/readyz', '/metrics']);

/** How long answers take, by route. What matches no route is one kind, so that nobody outside makes up label values. */
export function measureRequests(metrics: MetricsService) {
  return (request: Request, response: Response, next: NextFunction): void => {
    if (NOT_MEASURED.has(request.path)) {
      next();
      return;
    }
    const stop = metrics.httpSeconds.startTimer();
    response.once('finish', () => {
      stop({
        method: METHODS.has(request.method) ? request.method : 'other',
        route: routeOf(request),
        status: `${Math.floor(response.statusCode / 100)}xx`,
      });
    });
    next();
  };
}

/** The route of Nest that answers what no other one does. */
const CATCH_ALL = '{/*splat}';

const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);

/** The pattern that matched, or "none". */
export function routeOf(request: Request): string {
  // Express types it as any: it is set once a route has matched.
  const path: unknown = request.route?.path;
  return typeof path === 'string' && path !== CATCH_ALL ? path : 'none';
}
