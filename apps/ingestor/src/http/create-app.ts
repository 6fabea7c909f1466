import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { json, type NextFunction, type Request, type Response } from 'express';
import { Logger } from 'nestjs-pino';
import { appModule } from '../app.module.ts';
import type { Config } from '../config/config.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { traceRequests } from '../tracing/trace-requests.ts';
import { TracingService } from '../tracing/tracing.service.ts';
import { applyLimits, limitPipelining, MAX_BODY } from './limits.ts';
import { measureRequests } from './measure-requests.ts';
import { securityHeaders } from './security-headers.ts';

/** Sign-in reads its own bodies, so nothing may have consumed them before. */
const UNPARSED = /^\/api\/auth(\/|$)/;

/** Builds the application of one role, initialised but not listening. */
export async function createApp(config: Config): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(appModule(config), {
    bodyParser: false,
    bufferLogs: true,
    abortOnError: false,
  });
  app.useLogger(app.get(Logger));
  app.disable('x-powered-by');
  // Only our own web server, on this machine, may say for whom it asks.
  app.set('trust proxy', 'loopback');
  // Nested query objects are a way to smuggle types past a schema.
  app.set('query parser', 'simple');
  app.use(limitPipelining());
  app.use(securityHeaders);
  app.use(measureRequests(app.get(MetricsService)));
  app.use(traceRequests(app.get(TracingService)));
  const parseJson = json({ limit: MAX_BODY, strict: true });
  app.use((request: Request, response: Response, next: NextFunction) =>
    UNPARSED.test(request.path) ? next() : parseJson(request, response, next),
  );
  app.enableShutdownHooks();
  applyLimits(app.getHttpServer(), 4_096);
  await app.init();
  return app;
}
