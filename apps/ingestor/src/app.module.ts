import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ApiModule } from './api.module.ts';
import { configModule } from './config/config.module.ts';
import type { Config } from './config/config.ts';
import { EnrolmentModule } from './enrollment/enrolment.module.ts';
import { HttpErrorFilter } from './errors/http-error.filter.ts';
import { HealthModule } from './health/health.module.ts';
import { loggingModule } from './http/logging.module.ts';
import { TlsListener } from './http/tls-listener.ts';
import { KeysModule } from './keys/keys.module.ts';
import { LinkModule } from './link/link.module.ts';
import { MetricsModule } from './metrics/metrics.module.ts';
import { OperationsModule } from './operations/operations.module.ts';
import { RedisModule } from './redis/redis.module.ts';
import { TracingModule } from './tracing/tracing.module.ts';

@Module({ providers: [{ provide: APP_FILTER, useClass: HttpErrorFilter }] })
export class AppModule {}

/** One program, two roles: what a process may hold follows from the modules it has. */
export function appModule(config: Config): DynamicModule {
  return {
    module: AppModule,
    imports: [
      configModule(config),
      loggingModule(config),
      RedisModule,
      HealthModule,
      MetricsModule,
      TracingModule,
      OperationsModule,
      ...(config.role === 'api' ? [KeysModule, EnrolmentModule, ApiModule] : [LinkModule]),
    ],
    providers: config.role === 'api' ? [TlsListener] : [],
  };
}
