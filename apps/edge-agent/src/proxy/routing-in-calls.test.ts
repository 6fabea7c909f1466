import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

const CHEAPER = 'routing: { downgrade: [{ id: thrift, models: ["gpt-4o"], to: { model: gpt-4o-mini } }] }';
const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: 'Bearer k', ...headers },
  });
const sent = () => world.upstream.requests.at(-1)?.body.toString('utf8');

test('a call goes to the model that policy names, with every other byte as it was', async () => {
  world.govern(CHEAPER);
  const body = '{ "messages":[{"role":"user","content":"model: \\"gpt-4o\\""}], "model" : "gpt-4o" ,"n":1 }';
  expect((await post(body)).status).toBe(200);
  expect(sent()).toBe(body.replace('"model" : "gpt-4o"', '"model" : "gpt-4o-mini"'));
  expect((await world.recorded).data).toMatchObject({
    askedModel: 'gpt-4o',
    model: 'gpt-4o-mini',
    routedBy: ['global/thrift'],
    routed: true,
    pricedAs: 'gpt-4o-mini',
  });
  await post(gzipSync(body), { 'content-encoding': 'gzip' });
  expect(sent()).toContain('"gpt-4o-mini"');
  expect(world.upstream.requests.at(-1)?.headers).not.toHaveProperty('content-encoding');
});

test('the model it leads to is decided like any other', async () => {
  world.govern(
    `${CHEAPER}\ntrust: { rules: [{ id: never, effect: deny, below: 1001, actions: [model.call] }] }`,
  );
  expect((await post(JSON.stringify({ model: 'gpt-4o', messages: [] }))).status).toBe(403);
  expect(world.upstream.requests).toEqual([]);
});

test('in monitor mode the call goes where it was going, and the record says where it would have gone', async () => {
  world.govern(CHEAPER, 'monitor');
  const body = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'x' }] });
  await post(body);
  expect(sent()).toBe(body);
  expect((await world.recorded).data).toMatchObject({
    model: 'gpt-4o',
    routedTo: 'gpt-4o-mini',
    routed: false,
  });
});

test.each([
  ['the model twice', '{"model":"gpt-4o","model":"gpt-4o"}'],
  ['a form', '--x\r\ncontent-disposition: form-data; name="model"\r\n\r\ngpt-4o\r\n--x--\r\n'],
])('a request that names %s does not get round it', async (_how, body) => {
  world.govern(CHEAPER);
  const type = body.startsWith('--') ? 'multipart/form-data; boundary=x' : 'application/json';
  await post(body, { 'content-type': type });
  expect(world.upstream.requests.filter(({ body: bytes }) => bytes.includes('gpt-4o'))).toEqual([]);
});
