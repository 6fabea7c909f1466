import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type RedisServer, startRedis } from '@raypher/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Config } from '../config/config.ts';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { PRESENCE_LEASE_MS, Presence, presenceKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { PresenceService } from './presence.service.ts';

let server: RedisServer;
let redis: RedisConnections;

beforeAll(async () => {
  server = await startRedis();
  // The connections need no more of the configuration than this.
  redis = new RedisConnections({ role: 'link', redisUrl: server.url } as Config);
  await once(redis.commands, 'ready');
});

afterAll(async () => {
  redis.onApplicationShutdown();
  await server.stop();
});

/** Presence looks at nothing else of an identity. */
function someDevice(): DeviceIdentity {
  return { deviceId: randomUUID(), organisationId: randomUUID() } as DeviceIdentity;
}

async function nodeOf({ organisationId, deviceId }: DeviceIdentity): Promise<string | undefined> {
  const text = await redis.commands.hget(presenceKey(organisationId), deviceId);
  return text === null ? undefined : Presence.parse(JSON.parse(text)).node;
}

it('a device that moved to another process stays on the list when the first one is late with what it has to say', async () => {
  const [first, second] = [new PresenceService(redis), new PresenceService(redis)];
  const device = someDevice();
  const now = Date.now();
  first.connected(device, now - 1_000, 'grpc', 0n);
  second.connected(device, now, 'grpc', 0n);
  await second.flush();
  await first.flush();
  expect(await nodeOf(device)).toBe(second.node);
  first.disconnected(device);
  await first.flush();
  expect(await nodeOf(device)).toBe(second.node);
  second.disconnected(device);
  await second.flush();
  expect(await nodeOf(device)).toBeUndefined();
});

it('what a process left behind that is gone keeps nobody off the list, whatever its clock said', async () => {
  const [gone, other] = [new PresenceService(redis), new PresenceService(redis)];
  const device = someDevice();
  const now = Date.now();
  gone.connected(device, now - PRESENCE_LEASE_MS - 1_000, 'grpc', 0n);
  await gone.flush();
  other.connected(device, now - PRESENCE_LEASE_MS - 2_000, 'grpc', 0n);
  await other.flush();
  expect(await nodeOf(device)).toBe(other.node);
});
