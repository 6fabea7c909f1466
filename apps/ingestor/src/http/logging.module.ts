import type { DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { Config } from '../config/config.ts';

/** Structured logs on stdout. Credentials never get there, whoever logs the object that holds them. */
export function loggingModule(config: Config): DynamicModule {
  return LoggerModule.forRoot({
    pinoHttp: {
      level: config.logLevel,
      base: { role: config.role },
      autoLogging: {
        ignore: (request) =>
          request.url === '/healthz' || request.url === '/readyz' || request.url === '/metrics',
      },
      redact: {
        paths: [
          'req.headers.authorization',
          'req.headers.cookie',
          'res.headers["set-cookie"]',
          'req.body',
          '*.token',
          '*.csr',
          '*.password',
          '*.secret',
        ],
        censor: '[redacted]',
      },
      serializers: {
        // Query strings may carry search terms; the path says enough.
        req: (request: { id: unknown; method: string; url: string; remoteAddress: string }) => ({
          id: request.id,
          method: request.method,
          path: request.url.split('?', 1)[0],
          remoteAddress: request.remoteAddress,
        }),
        res: (response: { statusCode: number }) => ({ statusCode: response.statusCode }),
      },
    },
  });
}
