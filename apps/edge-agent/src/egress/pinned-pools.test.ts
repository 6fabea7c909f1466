import { once } from 'node:events';
import { createServer } from 'node:http';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { PinnedPools } from './pinned-pools.ts';

let release = Promise.withResolvers<void>();
const server = createServer(async (incoming, response) => {
  if (incoming.url === '/slow') await release.promise;
  response.end('ok');
});
let origin: string;
let pools: PinnedPools;
let opened: number;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  origin = `http://pinned.example:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
beforeEach(() => {
  opened = 0;
  pools = new PinnedPools(() => {
    opened += 1;
  });
});
afterEach(() => pools.close());
afterAll(() => server.close());

async function get(addresses: readonly string[]): Promise<string> {
  const pool = pools.get({ origin, addresses });
  const answer = await pool.request({ method: 'GET', path: '/' });
  const text = await answer.body.text();
  await expect.poll(() => pool.stats.free).toBeGreaterThan(0);
  return text;
}

test('a connection is kept for the same addresses, in whatever order they come', async () => {
  expect(await get(['127.0.0.1', '127.0.0.9'])).toBe('ok');
  expect(await get(['127.0.0.9', '127.0.0.1'])).toBe('ok');
  expect(opened).toBe(1);
});

test('a connection to one of several addresses that are allowed now is used again', async () => {
  await get(['127.0.0.1']);
  await get(['127.0.0.1', '127.0.0.9']);
  expect(opened).toBe(1);
});

test('a connection is not used where fewer addresses are allowed than it may be to', async () => {
  await get(['127.0.0.1', '127.0.0.9']);
  await expect(get(['127.0.0.9'])).rejects.toThrow();
  expect(opened).toBe(1);
});

test('whatever was asked for before, a pool has no address that is not allowed now', () => {
  const addresses = fc.uniqueArray(fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3'), { minLength: 1 });
  const sets = new Map<object, ReadonlySet<string>>();
  fc.assert(
    fc.property(fc.array(addresses, { minLength: 1, maxLength: 8 }), (asked) => {
      for (const allowed of asked) {
        const pool = pools.get({ origin, addresses: allowed });
        const own = sets.get(pool) ?? new Set<string>(allowed);
        sets.set(pool, own);
        expect(new Set<string>(allowed)).toEqual(new Set([...own, ...allowed]));
      }
    }),
  );
});

test('idle pools are forgotten when there are many, one that is in use is not', async () => {
  const used = pools.get({ origin, addresses: ['127.0.0.1'] });
  release = Promise.withResolvers();
  const answer = used.request({ method: 'GET', path: '/slow' });
  for (let n = 0; n < 2000; n++) pools.get({ origin: `http://n${n}.example`, addresses: ['192.0.2.1'] });
  expect(pools.size).toBeLessThanOrEqual(512);
  expect(used.closed).toBe(false);
  release.resolve();
  expect(await (await answer).body.text()).toBe('ok');
});
