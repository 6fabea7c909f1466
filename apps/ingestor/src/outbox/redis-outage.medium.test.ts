import { type RedisServer, startRedis } from '@raypher/testkit';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NUDGE_CHANNEL } from '../redis/channels.ts';
import { CuttingRelay } from '../testing/cutting-relay.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

let redis: RedisServer;
/** The way of the program to Redis. */
let relay: CuttingRelay;
let api: TestApi;
let acme: TestOrganisation;

beforeAll(async () => {
  redis = await startRedis();
  relay = await CuttingRelay.start(redis.port);
  const url = new URL(redis.url);
  url.port = String(relay.port);
  api = await TestApi.start({ redisUrl: url.href });
  acme = await api.found('Acme');
});
afterAll(async () => {
  await api.stop();
  await relay.stop();
  await redis.stop();
});

describe('while Redis is away', () => {
  it('everything is readable and deployable, and the nudges go out when it is back', async () => {
    relay.to = [1];
    redis.kill();
    await expect.poll(async () => (await fetch(`${api.url}/readyz`)).status).toBe(503);
    const overview = await acme.administrator.get('/v1/overview');
    expect([overview.status, overview.body.devices.connected]).toEqual([200, 0]);
    for (const path of ['/v1/devices', '/v1/rollouts', '/v1/events', '/v1/agents', '/v1/policies/running']) {
      expect((await acme.administrator.get(path)).status, path).toBe(200);
    }
    const running = await acme.administrator.get('/v1/policies/running');
    const deployed = await acme.administrator.post('/v1/policies/deploy', {
      documents: running.body.documents,
      basedOn: running.body.revision,
      reason: 'Redis is away',
      confirm: 'Acme',
    });
    expect(deployed.status).toBe(201);

    const nudges: unknown[] = [];
    await redis.restart();
    const listener = new Redis(redis.url);
    listener.on('message', (_channel, text) => nudges.push(JSON.parse(text)));
    await listener.subscribe(NUDGE_CHANNEL);
    // Now that somebody hears what the program says as soon as it is there again.
    relay.to = [redis.port];
    await expect
      .poll(() => nudges)
      .toContainEqual({ topic: 'policy', organisation: acme.id, revision: deployed.body.revision });
    listener.disconnect();
    await expect.poll(async () => (await fetch(`${api.url}/readyz`)).status).toBe(200);
  });

  it('the program still stops promptly', async () => {
    const alone = await startRedis();
    const other = await TestApi.start({ redisUrl: alone.url });
    alone.kill();
    await alone.exited;
    const start = performance.now();
    await other.stop();
    expect(performance.now() - start).toBeLessThan(15_000);
    await alone.stop();
  });
});
