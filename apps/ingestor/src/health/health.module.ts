import { Global, Module, type OnModuleInit } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.ts';
import { HealthController } from './health.controller.ts';
import { HealthService } from './health.service.ts';

@Global()
@Module({ controllers: [HealthController], providers: [HealthService], exports: [HealthService] })
export class HealthModule implements OnModuleInit {
  private readonly health: HealthService;
  private readonly redis: RedisConnections;

  constructor(health: HealthService, redis: RedisConnections) {
    this.health = health;
    this.redis = redis;
  }

  onModuleInit(): void {
    this.health.register('redis', async () => {
      await this.redis.commands.ping();
    });
  }
}
