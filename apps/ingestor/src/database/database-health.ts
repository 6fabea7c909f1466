import { Inject, Injectable } from '@nestjs/common';
import { HealthService } from '../health/health.service.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { CrossTenantRepository } from './cross-tenant.repository.ts';
import { SIGN_IN_POOL } from './database.module.ts';
import { poolNumbers } from './pool-numbers.ts';
import type { SignInPool } from './sign-in-pool.ts';

/** Makes `/readyz` ask the database, and `/metrics` tell of its connections. */
@Injectable()
export class DatabaseHealth {
  constructor(
    health: HealthService,
    metrics: MetricsService,
    crossTenant: CrossTenantRepository,
    @Inject(SIGN_IN_POOL) signIn: SignInPool,
  ) {
    metrics.watchPool('resolve', () => crossTenant.connections);
    metrics.watchPool('sign-in', () => poolNumbers(signIn));
    health.register('database', () => crossTenant.ping(), { isShared: true });
  }
}
