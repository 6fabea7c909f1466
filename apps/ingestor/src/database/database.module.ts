import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { CrossTenantRepository } from './cross-tenant.repository.ts';
import { createSignInPool, type SignInPool } from './sign-in-pool.ts';
import { TenantDatabase } from './tenant-database.ts';

/** Injection token of the pool that only the sign-in library gets. */
export const SIGN_IN_POOL = Symbol('SIGN_IN_POOL');

@Global()
@Module({
  providers: [
    {
      provide: TenantDatabase,
      inject: [API_CONFIG],
      useFactory: (config: ApiConfig) => new TenantDatabase({ connectionString: config.databaseUrl }),
    },
    {
      provide: CrossTenantRepository,
      inject: [API_CONFIG],
      useFactory: (config: ApiConfig) => new CrossTenantRepository(config.databaseUrl),
    },
    {
      provide: SIGN_IN_POOL,
      inject: [API_CONFIG],
      useFactory: (config: ApiConfig) => createSignInPool(config.authDatabaseUrl),
    },
  ],
  exports: [TenantDatabase, CrossTenantRepository, SIGN_IN_POOL],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(
    private readonly tenants: TenantDatabase,
    private readonly crossTenant: CrossTenantRepository,
    @Inject(SIGN_IN_POOL) private readonly signIn: SignInPool,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.tenants.close(), this.crossTenant.close(), this.signIn.end()]);
  }
}
