import 'reflect-metadata';
import { once } from 'node:events';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HealthService } from '../health/health.service.ts';
import { Installation } from '../testing/installation.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});
afterAll(() => installation?.stop());

/** Over the listener that the world can reach; what the headers claim is the client's own invention. */
async function fromOutside(path: string): Promise<{ status: number | undefined; text: string }> {
  const outgoing = request({
    host: '127.0.0.1',
    port: installation.tlsPort,
    path,
    headers: { 'x-forwarded-proto': 'http' },
    rejectUnauthorized: false,
    agent: false,
  }).end();
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}

describe('what the outside learns', () => {
  it('is no number of the fleet, whatever it claims about its connection', async () => {
    expect((await fromOutside('/metrics')).status).toBe(404);
  });

  it('is which part does not answer, but not why', async () => {
    installation.api.get(HealthService).register('vault', async () => {
      throw new Error('connect ECONNREFUSED 10.1.2.3:8200');
    });
    const { status, text } = await fromOutside('/readyz');
    expect([status, JSON.parse(text).parts.vault]).toEqual([503, { ok: false }]);
  });
});
