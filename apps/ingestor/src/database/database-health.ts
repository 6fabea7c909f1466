import { Injectable } from '@nestjs/common';
import { HealthService } from '../health/health.service.ts';
import { CrossTenantRepository } from './cross-tenant.repository.ts';

/** Makes `/readyz` ask the database. */
@Injectable()
export class DatabaseHealth {
  constructor(health: HealthService, crossTenant: CrossTenantRepository) {
    health.register('database', () => crossTenant.ping());
  }
}
