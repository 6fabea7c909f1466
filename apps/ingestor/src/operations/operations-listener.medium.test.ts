import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HealthService } from '../health/health.service.ts';
import { createApp } from '../http/create-app.ts';

import { Installation } from '../testing/installation.ts';
import { OperationsListener } from './operations-listener.ts';

let installation: Installation;
let link: Awaited<ReturnType<typeof createApp>>;
let origin: string;

beforeAll(async () => {
  installation = await Installation.start();
  const config = installation.configOf('link', { RAYPHER_OPERATIONS_PORT: '0', RAYPHER_LINK_PORT: '0' });
  link = await createApp(config);
  origin = `http://127.0.0.1:${await link.get(OperationsListener).listen()}`;
});
afterAll(() => installation.stop());

const get = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${origin}${path}`, init);
  return { status: response.status, text: await response.text() };
};

describe('health and metrics for a cluster', () => {
  it('are not there unless a port was named', async () => {
    expect(await installation.api.get(OperationsListener).listen()).toBeUndefined();
  });

  it('hold the metrics, and whether the process is alive', async () => {
    expect(await get('/healthz')).toEqual({ status: 200, text: '{"alive":true}' });
    expect((await get('/metrics')).text).toContain('raypher_link_streams 0');
  });

  it('say which part does not answer, but not why', async () => {
    const ready = async () => {
      const { status, text } = await get('/readyz');
      return [status, JSON.parse(text)];
    };
    // Nobody waited until its connections are there.
    await expect
      .poll(ready)
      .toEqual([200, { ready: true, parts: { database: { ok: true }, redis: { ok: true } } }]);
  });

  it('say that new work may come while what everybody shares is away, but not when a part of our own is', async () => {
    const health = link.get(HealthService);
    const away = async () => {
      throw new Error('connect ECONNREFUSED 10.1.2.3:5432');
    };
    health.register('another-database', away, { isShared: true });
    expect([(await get('/readyz')).status, await get('/servez')]).toEqual([
      503,
      { status: 200, text: '{"serving":true}' },
    ]);
    health.register('another-part', away);
    expect(await get('/servez')).toEqual({ status: 503, text: '{"serving":false}' });
    health.register('another-database', async () => undefined);
    health.register('another-part', async () => undefined);
  });

  it('are all there is: no API, no sign-in, nothing that changes anything', async () => {
    for (const path of [
      '/v1/devices',
      '/api/auth/get-session',
      '/v1/openapi.json',
      '/metrics/',
      '//metrics',
    ]) {
      expect((await get(path)).status, path).toBe(404);
    }
    expect((await get('/metrics', { method: 'POST' })).status).toBe(404);
  });

  it('stay while the process stops, and say that it is not for new devices', async () => {
    // Nest calls this one before anything is taken down.
    link.get(HealthService).onModuleDestroy();
    expect((await get('/readyz')).status).toBe(503);
    expect((await get('/servez')).status).toBe(503);
    expect((await get('/healthz')).status).toBe(200);
    await link.close();
    await expect(get('/healthz')).rejects.toThrow();
  });
});
