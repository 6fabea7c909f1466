import { Injectable } from '@nestjs/common';
import { PRESENCE_LEASE_MS, Presence, presenceKey, presenceSeenKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';

/** Answers younger than this are shared, milliseconds: a page asks several times for the same. */
const SHARED_FOR_MS = 250;

/** Which devices are connected, and their newest counters. While Redis is away nobody is known to be. */
@Injectable()
export class PresenceReader {
  private readonly recent = new Map<
    string,
    { at: number; devices: Promise<ReadonlyMap<string, Presence>> }
  >();

  constructor(private readonly redis: RedisConnections) {}

  async connected(organisationId: string): Promise<ReadonlyMap<string, Presence>> {
    const known = this.recent.get(organisationId);
    if (known !== undefined && Date.now() - known.at < SHARED_FOR_MS) return known.devices;
    const devices = this.read(organisationId).catch(() => new Map<string, Presence>());
    this.recent.set(organisationId, { at: Date.now(), devices });
    return devices;
  }

  private async read(organisationId: string): Promise<ReadonlyMap<string, Presence>> {
    if (!this.redis.isReady) return new Map();
    const [fields, alive] = await Promise.all([
      this.redis.commands.hgetall(presenceKey(organisationId)),
      this.redis.commands.zrange(
        presenceSeenKey(organisationId),
        Date.now() - PRESENCE_LEASE_MS,
        '+inf',
        'BYSCORE',
      ),
    ]);
    const connected = new Map<string, Presence>();
    for (const deviceId of alive) {
      const presence = readPresence(fields[deviceId]);
      if (presence !== undefined) connected.set(deviceId, presence);
    }
    return connected;
  }
}

function readPresence(text: string | undefined): Presence | undefined {
  if (text === undefined) return undefined;
  const parsed = Presence.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}
