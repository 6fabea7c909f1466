import { Global, Module } from '@nestjs/common';
import { RedisConnections } from './redis-connections.ts';

@Global()
@Module({ providers: [RedisConnections], exports: [RedisConnections] })
export class RedisModule {}
