import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Heartbeat, LinkTransport } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import {
  LIVE_CHANNEL,
  type LiveMessage,
  PRESENCE_LEASE_MS,
  type Presence,
  presenceKey,
  presenceSeenKey,
} from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';

const FLUSH_EVERY_MS = 500;
/** Devices per pipeline. */
const SLICE = 500;

/**
 * Writes what this stream says of a device, unless another process holds a newer one: what was on its way while Redis
 * did not answer arrives late, and would take the device of the newer stream off the list. An entry whose lease is over
 * is nobody's any more.
 * KEYS: hash, sorted set. ARGV: device, node, since, presence, milliseconds of the last sign of life, end of the lease.
 */
const WRITE = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known then
  local entry = cjson.decode(known)
  if entry.node ~= ARGV[2] and entry.since > ARGV[3] and entry.at > ARGV[6] then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
return 1`;

/**
 * Removes a device only while the entry is still that of this stream: another process may hold a newer one.
 * KEYS: hash, sorted set. ARGV: device, node, since.
 */
const FORGET = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then return 0 end
local entry = cjson.decode(known)
if entry.node ~= ARGV[2] or entry.since ~= ARGV[3] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1`;

interface Present {
  organisationId: string;
  presence: Presence;
}

interface Gone {
  organisationId: string;
  deviceId: string;
  since: string;
}

/** Who is connected, in Redis, coalesced; rewritten as a whole when Redis comes back. */
@Injectable()
export class PresenceService implements OnModuleInit, OnApplicationShutdown {
  /** Names this process among others. */
  readonly node = randomUUID();
  private readonly logger = new Logger('Presence');
  private readonly present = new Map<string, Present>();
  private readonly dirty = new Set<string>();
  private gone: Gone[] = [];
  private changes = new Map<string, Map<string, { connected: boolean; at: string }>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly redis: RedisConnections) {}

  onModuleInit(): void {
    this.redis.commands.on('ready', () => {
      for (const deviceId of this.present.keys()) this.dirty.add(deviceId);
      void this.flush();
    });
    this.timer = setInterval(() => void this.flush(), FLUSH_EVERY_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  connected(identity: DeviceIdentity, since: number, transport: LinkTransport, queueDepth: bigint): void {
    const at = new Date(since).toISOString();
    this.present.set(identity.deviceId, {
      organisationId: identity.organisationId,
      presence: {
        since: at,
        at,
        node: this.node,
        transport,
        connections: 0,
        processes: 0,
        aiAgents: 0,
        frozenProcesses: 0,
        queueDepth: Number(queueDepth),
        rssBytes: 0,
        cpuShare: 0,
      },
    });
    this.dirty.add(identity.deviceId);
    this.changed(identity, true);
  }

  heartbeat(identity: DeviceIdentity, heartbeat: Heartbeat): void {
    const entry = this.present.get(identity.deviceId);
    if (entry === undefined) return;
    entry.presence = {
      ...entry.presence,
      at: new Date().toISOString(),
      connections: heartbeat.connections,
      processes: heartbeat.processes,
      aiAgents: heartbeat.aiAgents,
      frozenProcesses: heartbeat.frozenProcesses,
      queueDepth: Number(heartbeat.queueDepth),
      rssBytes: Number(heartbeat.rssBytes),
      cpuShare: Number.isFinite(heartbeat.cpuShare) ? Math.max(0, heartbeat.cpuShare) : 0,
    };
    this.dirty.add(identity.deviceId);
  }

  disconnected(identity: DeviceIdentity): void {
    const entry = this.present.get(identity.deviceId);
    if (entry === undefined) return;
    this.present.delete(identity.deviceId);
    this.dirty.delete(identity.deviceId);
    this.gone.push({
      organisationId: identity.organisationId,
      deviceId: identity.deviceId,
      since: entry.presence.since,
    });
    this.changed(identity, false);
  }

  /** Writes what changed. What Redis does not take now is written when it comes back. */
  async flush(): Promise<void> {
    if (!this.redis.isReady) {
      // Entries of devices that left while Redis was away age out by their last sign of life.
      this.gone = [];
      return;
    }
    const dirty = [...this.dirty];
    const gone = this.gone;
    const changes = this.changes;
    this.dirty.clear();
    this.gone = [];
    this.changes = new Map();
    try {
      for (let start = 0; start < dirty.length; start += SLICE)
        await this.write(dirty.slice(start, start + SLICE));
      for (let start = 0; start < gone.length; start += SLICE)
        await this.forget(gone.slice(start, start + SLICE));
    } catch (error) {
      this.logger.debug(error);
      for (const deviceId of dirty) if (this.present.has(deviceId)) this.dirty.add(deviceId);
    }
    for (const [organisation, devices] of changes) {
      const message: LiveMessage = {
        kind: 'presence',
        organisation,
        changes: [...devices].map(([deviceId, change]) => ({ deviceId, ...change })),
      };
      this.redis.publish(LIVE_CHANNEL, message);
    }
  }

  private async write(deviceIds: string[]): Promise<void> {
    const pipeline = this.redis.commands.pipeline();
    for (const deviceId of deviceIds) {
      const entry = this.present.get(deviceId);
      if (entry === undefined) continue;
      const { since, at } = entry.presence;
      pipeline.eval(
        WRITE,
        2,
        presenceKey(entry.organisationId),
        presenceSeenKey(entry.organisationId),
        deviceId,
        this.node,
        since,
        JSON.stringify(entry.presence),
        Date.parse(at),
        new Date(Date.now() - PRESENCE_LEASE_MS).toISOString(),
      );
    }
    await pipeline.exec();
  }

  private async forget(gone: Gone[]): Promise<void> {
    const pipeline = this.redis.commands.pipeline();
    for (const { organisationId, deviceId, since } of gone) {
      if (this.present.has(deviceId)) continue;
      pipeline.eval(
        FORGET,
        2,
        presenceKey(organisationId),
        presenceSeenKey(organisationId),
        deviceId,
        this.node,
        since,
      );
    }
    await pipeline.exec();
  }

  private changed(identity: DeviceIdentity, connected: boolean): void {
    const devices = this.changes.get(identity.organisationId) ?? new Map();
    devices.set(identity.deviceId, { connected, at: new Date().toISOString() });
    this.changes.set(identity.organisationId, devices);
  }
}
