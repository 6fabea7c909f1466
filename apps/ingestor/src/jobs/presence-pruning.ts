import { Injectable } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { PRESENCE_LEASE_MS, presenceKey, presenceSeenKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';

/** Rows are kept so much longer than the lease, so that a link process that is merely slow loses nothing. */
const KEPT_MS = 10 * PRESENCE_LEASE_MS;

/** Forgets devices whose link process died without saying goodbye. */
@Injectable()
export class PresencePruning {
  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly redis: RedisConnections,
  ) {}

  /** @returns how many were forgotten. */
  async run(now = Date.now()): Promise<number> {
    let forgotten = 0;
    for (const organisationId of await this.crossTenant.organisationIds()) {
      const seen = presenceSeenKey(organisationId);
      const gone = await this.redis.commands.zrange(seen, '-inf', String(now - KEPT_MS), 'BYSCORE');
      if (gone.length === 0) continue;
      await this.redis.commands.hdel(presenceKey(organisationId), ...gone);
      await this.redis.commands.zrem(seen, ...gone);
      forgotten += gone.length;
    }
    return forgotten;
  }
}
