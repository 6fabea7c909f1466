import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ConnectionWatches } from '../connections/connection-watches.service.ts';
import { DeviceDirectory } from '../link/device-directory.service.ts';
import { NewestStream } from '../link/newest-stream.service.ts';
import { StreamRegistry } from '../link/stream-registry.ts';
import { NUDGE_CHANNEL, Nudge } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { within } from '../tracing/current-span.ts';
import { TracingService } from '../tracing/tracing.service.ts';
import { CommandsService } from './commands.service.ts';
import { DeliveryService } from './delivery.service.ts';
import { SweepService } from './sweep.service.ts';

/** A watched device sends a heartbeat this often, milliseconds. */
const WATCHED_PACE_MS = 5_000;
/** No lease is longer, whatever a nudge says. */
const MAX_WATCH_MS = 5 * 60_000;

/** Listens for "look now". Each nudge only says where to look; what to do comes from the database. */
@Injectable()
export class NudgesService implements OnModuleInit {
  private readonly logger = new Logger('Nudges');

  constructor(
    private readonly redis: RedisConnections,
    private readonly registry: StreamRegistry,
    private readonly directory: DeviceDirectory,
    private readonly delivery: DeliveryService,
    private readonly commands: CommandsService,
    private readonly sweep: SweepService,
    private readonly watches: ConnectionWatches,
    private readonly tracing: TracingService,
    private readonly newest: NewestStream,
  ) {}

  onModuleInit(): void {
    const subscriber = this.redis.connect('nudges');
    subscriber.on('message', (_channel: string, text: string) => {
      this.handle(text).catch((error: unknown) => this.logger.warn(error, 'A nudge could not be followed'));
    });
    let connections = 0;
    subscriber.on('ready', () => {
      connections += 1;
      // What was said while we were away is found by looking.
      if (connections > 1) void this.sweep.run();
    });
    // Resolves once Redis is there; the client subscribes again after every reconnect.
    subscriber.subscribe(NUDGE_CHANNEL).catch((error: unknown) => this.logger.warn(error));
  }

  private async handle(text: string): Promise<void> {
    const nudge = Nudge.parse(JSON.parse(text));
    const traceparent = 'traceparent' in nudge ? nudge.traceparent : undefined;
    const span = this.tracing.join('link.nudge', traceparent, { 'raypher.topic': nudge.topic });
    try {
      await within(span, () => this.follow(nudge));
    } finally {
      span.end();
    }
  }

  private async follow(nudge: Nudge): Promise<void> {
    switch (nudge.topic) {
      case 'policy':
      case 'freeze':
        await this.delivery.announce(nudge.organisation, nudge.topic, BigInt(nudge.revision));
        return;
      case 'command':
        if (this.registry.find(nudge.device) !== undefined) {
          await this.commands.deliver(nudge.organisation, [nudge.device]);
        }
        return;
      case 'standing':
        this.directory.forget(nudge.device);
        // The nudge is not the proof: ask the database before cutting anybody off.
        if (this.registry.find(nudge.device) !== undefined) {
          await this.sweep.checkStanding(nudge.organisation, [nudge.device]);
        }
        return;
      case 'opened':
        this.newest.heard(nudge);
        return;
      case 'watch': {
        const stream = this.registry.find(nudge.device);
        if (stream?.identity?.organisationId !== nudge.organisation) return;
        stream.watchedUntil = Math.min(nudge.until, Date.now() + MAX_WATCH_MS);
        stream.pace(WATCHED_PACE_MS);
        return;
      }
      case 'connections':
        this.watches.watch(nudge);
        return;
    }
  }
}
