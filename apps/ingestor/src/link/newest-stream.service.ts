import { Injectable } from '@nestjs/common';
import { NUDGE_CHANNEL, type Nudge, STREAM_ORDER_KEY } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import type { DeviceIdentity } from './device-directory.service.ts';
import type { DeviceStream } from './device-stream.ts';
import { replaced, StreamRegistry } from './stream-registry.ts';

type OpenedNudge = Extract<Nudge, { topic: 'opened' }>;

/**
 * One stream a device, whichever processes it connects to. Every stream gets a number when it opens, one order for all
 * processes; whoever hears of a higher number for a device ends its own. While Redis is away nobody hears: then a
 * stream that its device has left stays until its connection is found dead, which costs nothing but its memory, as
 * the ledger takes each entry once whoever brings it.
 */
@Injectable()
export class NewestStream {
  constructor(
    private readonly redis: RedisConnections,
    private readonly registry: StreamRegistry,
  ) {}

  /** Before the stream is registered: what opens later has a higher number. */
  async number(stream: DeviceStream): Promise<void> {
    if (!this.redis.isReady) return;
    stream.order = await this.redis.commands.incr(STREAM_ORDER_KEY).catch(() => 0);
  }

  /** After it is registered. */
  announce({ organisationId, deviceId }: DeviceIdentity, { order }: DeviceStream): void {
    if (order === 0) return;
    const nudge: OpenedNudge = { topic: 'opened', organisation: organisationId, device: deviceId, order };
    this.redis.publish(NUDGE_CHANNEL, nudge);
  }

  heard({ organisation, device, order }: OpenedNudge): void {
    const stream = this.registry.find(device);
    if (stream?.identity?.organisationId !== organisation) return;
    if (stream.order < order) stream.end(replaced());
    // It had its number before ours and was registered after we said so: it has not heard of ours.
    else if (stream.order > order) this.announce(stream.identity, stream);
  }
}
