import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DnsServer } from '../testing/dns-server.ts';
import { HostResolver, isDnsServer } from './host-resolver.ts';

let dns: DnsServer;
beforeAll(async () => {
  dns = await DnsServer.start();
});
beforeEach(() => {
  dns.asked.length = 0;
});
afterAll(() => dns.stop());

test('both families are found, and asked for once while the answer is fresh', async () => {
  dns.answer = () => ({ addresses: ['203.0.113.5', '2001:db8::5'], ttl: 20 });
  let time = 0;
  // So long that a question is not repeated because this process was held up.
  const resolver = new HostResolver({ servers: [dns.address], timeoutMs: 60_000, now: () => time });
  expect(resolver.known('a.example')).toBeUndefined();
  const shared = await Promise.all([resolver.resolve('a.example'), resolver.resolve('a.example')]);
  for (const resolution of shared) {
    expect(resolution).toEqual({ ok: true, addresses: ['2001:db8::5', '203.0.113.5'] });
  }
  time = 9_999;
  expect(resolver.known('a.example')).toBe(shared[0]);
  expect(dns.asked).toEqual(['a.example', 'a.example']);
  time = 20_000;
  expect(resolver.known('a.example')).toBeUndefined();
});

test('an answer is not kept longer than half a minute, whatever it says', async () => {
  dns.answer = () => ({ addresses: ['203.0.113.5'], ttl: 86_400 });
  let time = 0;
  const resolver = new HostResolver({ servers: [dns.address], now: () => time });
  await resolver.resolve('a.example');
  time = 30_000;
  expect(resolver.known('a.example')).toBeUndefined();
});

test('an answer that gets old is renewed while it is used, without anybody waiting', async () => {
  dns.answer = () => ({ addresses: ['203.0.113.5'], ttl: 20 });
  let time = 0;
  const resolver = new HostResolver({ servers: [dns.address], now: () => time });
  const first = await resolver.resolve('a.example');
  dns.answer = () => ({ addresses: ['203.0.113.6'], ttl: 20 });
  time = 10_000;
  expect(resolver.known('a.example')).toBe(first);
  await expect.poll(() => resolver.known('a.example')?.addresses).toEqual(['203.0.113.6']);
});

test.each([
  ['that does not exist', () => undefined, 'ENOTFOUND'],
  ['without addresses', () => ({ addresses: [] }), 'ENODATA'],
])('a name %s has no addresses and a reason', async (_what, answer, why) => {
  dns.answer = answer;
  expect(await new HostResolver({ servers: [dns.address] }).resolve('none.example')).toEqual({
    ok: false,
    why,
  });
});

test('a server that does not answer is not waited for', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const resolver = new HostResolver({ servers: [`127.0.0.1:${silent.address().port}`], timeoutMs: 50 });
  expect(await resolver.resolve('slow.example')).toEqual({ ok: false, why: 'ETIMEOUT' });
  silent.close();
});

test('an address hidden in another spelling has one spelling', async () => {
  dns.answer = () => ({ addresses: ['0:0:0:0:0:ffff:7f00:1'] });
  expect(await new HostResolver({ servers: [dns.address] }).resolve('a.example')).toEqual({
    ok: true,
    addresses: ['127.0.0.1'],
  });
});

test('names of this machine are nobody else to answer for', async () => {
  dns.answer = () => ({ addresses: ['203.0.113.5'] });
  const resolver = new HostResolver({ servers: [dns.address] });
  for (const name of ['localhost', 'a.localhost']) {
    expect(await resolver.resolve(name)).toEqual({ ok: true, addresses: ['127.0.0.1', '::1'] });
  }
  expect(dns.asked).toEqual([]);
});

test('only so many names and addresses are kept', async () => {
  dns.answer = () => ({ addresses: Array.from({ length: 25 }, (_, n) => `203.0.113.${n}`), ttl: 20 });
  const resolver = new HostResolver({ servers: [dns.address], now: () => 0 });
  const resolution = await resolver.resolve('first.example');
  expect(resolution.ok && resolution.addresses).toHaveLength(16);
  for (let batch = 0; batch < 64; batch++) {
    await Promise.all(Array.from({ length: 16 }, (_, n) => resolver.resolve(`n${batch * 16 + n}.example`)));
  }
  expect(resolver.known('first.example')).toBeUndefined();
  expect(resolver.known('n1023.example')).toBeDefined();
});

test.each([
  ['192.0.2.53', true],
  ['192.0.2.53:5353', true],
  ['[2001:db8::53]:53', true],
  ['dns.example', false],
  ['', false],
])('%j is a DNS server: %s', (written, is) => {
  expect(isDnsServer(written)).toBe(is);
});
