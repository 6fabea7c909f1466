import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';

import { CONFIG } from '../config/config.module.ts';
import type { Config } from '../config/config.ts';

/** Replies keep the library's default form. */
type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

/**
 * Connections to Redis that never stop the program: commands fail at once while Redis is away
 * instead of queueing without a bound, and connections come back by themselves.
 */
@Injectable()
export class RedisConnections implements OnApplicationShutdown {
  /** For ordinary commands and publishing. */
  readonly commands: Redis;
  private readonly open: Redis[] = [];
  private readonly logger = new Logger('Redis');
  private readonly config: Config;

  constructor(@Inject(CONFIG) config: Config) {
    this.config = config;
    this.commands = this.connect('commands', { enableOfflineQueue: false, commandTimeout: 2_000 });
  }

  /** A connection of its own, for subscriptions and blocking commands. It resubscribes after a reconnect. */
  connect(name: string, options: ConnectionOptions = {}): Redis {
    const merged: ConnectionOptions = {
      connectionName: `raypher-${this.config.role}-${name}`,
      retryStrategy: (attempt) => Math.min(100 * attempt, 1_000),
      maxRetriesPerRequest: null,
      ...options,
    };
    const redis = new Redis(this.config.redisUrl, merged);
    let lastError = '';
    redis.on('error', (error: Error) => {
      // One line per outage, not one per attempt.
      if (error.message === lastError) return;
      lastError = error.message;
      this.logger.warn(`Redis (${name}) is not reachable: ${error.message}`);
    });
    redis.on('ready', () => {
      if (lastError !== '') this.logger.log(`Redis (${name}) is back`);
      lastError = '';
    });
    this.open.push(redis);
    return redis;
  }

  get isReady(): boolean {
    return this.commands.status === 'ready';
  }

  /** Publishes and forgets: a message nobody could be given is repaired by a sweep. */
  publish(channel: string, message: unknown): void {
    if (!this.isReady) return;
    this.commands.publish(channel, JSON.stringify(message)).catch(() => undefined);
  }

  onApplicationShutdown(): void {
    for (const redis of this.open) redis.disconnect();
  }
}
