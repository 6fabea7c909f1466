import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

const PERSON = ['jane.doe', 'northwind-robotics.com'].join('@');
const IBAN = ['DE89', '3704', '0044', '0532', '0130', '00'].join('');
const call = async (path: string) =>
  (await fetch(`${world.url}/openai${path}`, { headers: { authorization: 'Bearer k' } })).text();

test.each([
  ['without a rule about data', ''],
  ['with one', 'dlp: { default: allow, rules: [{ id: look, effect: alert, classes: ["*"] }] }\n'],
  ['refused for it', 'dlp: { default: allow, rules: [{ id: stop, effect: block, classes: ["*"] }] }\n'],
])('data in the path of a request is not recorded: %s', async (_when, policy) => {
  world.govern(policy);
  await call(`/v1/users/${PERSON}/keys?iban=${IBAN}`);
  await call(`/v1/users/${encodeURIComponent(PERSON)}`);
  await call(`/v1/accounts/${IBAN}`);
  expect(world.events.length).toBeGreaterThanOrEqual(3);
  // Masked samples stand beside the entries.
  const written = JSON.stringify(world.events.map(({ private: _, ...entry }) => entry));
  for (const part of ['jane', 'doe', 'northwind', IBAN.slice(4, 12)]) expect(written).not.toContain(part);
  expect(world.events.map(({ target }) => target)).toContain('api.openai.com/v1/users/***/keys');
});

test('a path without data is recorded as it is', async () => {
  world.govern('');
  await call('/v1/files/file-abc123/content');
  expect(world.events[0]?.target).toBe('api.openai.com/v1/files/file-abc123/content');
});

const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');

test.each([
  ['that is a credential', TOKEN],
  ['with a credential where it is cut', `${'m'.repeat(240)} ${TOKEN}`],
  ['as long as a book', 'm'.repeat(500_000)],
])('the name of a model %s is not recorded as it is', async (_what, model) => {
  world.govern('dlp: { default: allow, rules: [{ id: look, effect: alert, classes: ["*"] }] }');
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] });
  await (await fetch(`${world.url}/v1/chat/completions`, { method: 'POST', body })).text();
  const written = JSON.stringify([world.models, world.events.map(({ private: _, ...entry }) => entry)]);
  expect(written).toContain('v1/chat/completions');
  expect(written).not.toContain(TOKEN.slice(4, 12));
  expect(written.length).toBeLessThan(8_000);
});
