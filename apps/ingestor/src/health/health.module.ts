import { Global, Module, type OnModuleInit } from '@nestjs/common';
import { MetricsService } from '../metrics/metrics.service.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { HealthController } from './health.controller.ts';
import { HealthService } from './health.service.ts';

@Global()
@Module({ controllers: [HealthController], providers: [HealthService], exports: [HealthService] })
export class HealthModule implements OnModuleInit {
  private readonly health: HealthService;
  private readonly redis: RedisConnections;

  constructor(health: HealthService, redis: RedisConnections, metrics: MetricsService) {
    this.health = health;
    this.redis = redis;
    metrics.watch('raypher_redis_up', 'Whether Redis can be reached', () => (redis.isReady ? 1 : 0));
  }

  onModuleInit(): void {
    const ping = async () => {
      await this.redis.commands.ping();
    };
    this.health.register('redis', ping, { isShared: true });
  }
}
