import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Budgets } from '../budgets/budgets.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import { EVERYTHING_ON } from '../testing/everything-on.ts';
import { TestInterception } from '../testing/test-interception.ts';

type Answer = (incoming: IncomingMessage, response: ServerResponse, body: Buffer) => void;
let answer: Answer;
/** A provider that says what no fake of one would. */
const provider = createServer(async (incoming, response) => {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  answer(incoming, response, Buffer.concat(parts));
});
let world: TestInterception;
const db = new DatabaseSync(':memory:');
beforeAll(async () => {
  for (const step of MIGRATIONS) db.exec(step);
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  // A server that listens on a port has an address with one.
  const { port } = provider.address() as AddressInfo;
  world = await TestInterception.start({ 'api.openai.com': `http://127.0.0.1:${port}` }, new Budgets(db));
});
beforeEach(() => {
  world.reset();
  world.govern(EVERYTHING_ON);
});
afterAll(async () => {
  await world.stop();
  provider.close();
  provider.closeAllConnections();
  db.close();
});

const oneConnection = new Agent({ keepAlive: true, maxSockets: 1 });
afterAll(() => oneConnection.destroy());

interface Received {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The client's port: the same for requests on one connection. */
  readonly from: number | undefined;
}

async function call(
  method: string,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<Received> {
  const outgoing = request(`${world.url}${path}`, { method, headers, agent: oneConnection });
  outgoing.end(body);
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  if (incoming === undefined) throw new Error('There is no answer.');
  const from = incoming.socket.localPort;
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  const { statusCode = 0, rawHeaders } = incoming;
  return { status: statusCode, rawHeaders, body: Buffer.concat(parts), from };
}

const valuesOf = (name: string, raw: readonly string[]) =>
  raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name);
const ASK = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] });
const chat = (body = ASK) =>
  call('POST', '/v1/chat/completions', body, { 'content-type': 'application/json' });

test('what a provider says about limits, retries and cookies arrives, each line of it', async () => {
  const said: Record<string, string | string[]> = {
    'content-type': 'application/json',
    'retry-after': '17',
    'retry-after-ms': '16500',
    'x-should-retry': 'true',
    'x-ratelimit-reset-tokens': '6m0s',
    'anthropic-ratelimit-requests-remaining': '0',
    'set-cookie': ['a=1; Path=/', 'b=2; Path=/'],
    'x-latin': 'Z\u00fcrich',
  };
  answer = (_incoming, response) => response.writeHead(429, said).end('{"error":{"message":"slow"}}');
  const { status, rawHeaders, body } = await chat();
  expect(status).toBe(429);
  for (const [name, value] of Object.entries(said))
    expect(valuesOf(name, rawHeaders), name).toEqual([value].flat());
  expect(valuesOf('x-raypher', rawHeaders)).toEqual([]);
  expect(body.toString()).toBe('{"error":{"message":"slow"}}');
});

test('HEAD has headers and no body, OPTIONS its methods, 204 and 304 nothing, 307 its place', async () => {
  answer = (_incoming, response) =>
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '512' }).end();
  const head = await call('HEAD', '/v1/models');
  expect([head.status, valuesOf('content-length', head.rawHeaders), head.body.length]).toEqual([
    200,
    ['512'],
    0,
  ]);
  answer = ({ method }, response) =>
    response.writeHead(204, { allow: 'GET, POST', 'x-method': method }).end();
  const options = await call('OPTIONS', '/v1/models');
  expect([options.status, ...valuesOf('allow', options.rawHeaders)]).toEqual([204, 'GET, POST']);
  expect(valuesOf('x-method', options.rawHeaders)).toEqual(['OPTIONS']);
  answer = (_incoming, response) => response.writeHead(304, { etag: '"1"' }).end();
  expect((await call('GET', '/v1/models')).status).toBe(304);
  answer = (_incoming, response) =>
    response.writeHead(307, { location: 'https://api.openai.com/v2/models' }).end();
  const moved = await call('GET', '/v1/models');
  expect([moved.status, ...valuesOf('location', moved.rawHeaders)]).toEqual([
    307,
    'https://api.openai.com/v2/models',
  ]);
});

test('a client that waits for 100 Continue is told to go on, and its body arrives', async () => {
  answer = (_incoming, response, body) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(`${body.length}`));
  const outgoing = request(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { expect: '100-continue', 'content-length': String(ASK.length) },
  });
  outgoing.flushHeaders();
  await once(outgoing, 'continue');
  outgoing.end(ASK);
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  expect(String(await incoming?.toArray())).toBe(`"${ASK.length}"`);
});

test('an event of a megabyte arrives as it was sent', async () => {
  const words = Array.from({ length: 120_000 }, (_, at) => `word${at % 97}`)
    .join(' ')
    .slice(0, 2 ** 20 / 1.2);
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `é${words}` } }] })}\n\n`;
  const sent = `: hello\n\n${event}data: [DONE]\n\n`;
  answer = (_incoming, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(sent);
  const { body } = await chat();
  expect(body.equals(Buffer.from(sent))).toBe(true);
});

test('one connection serves on after errors, refusals and streams', async () => {
  const ports = new Set<number | undefined>();
  const expectStatus = async (status: number, body = ASK) => {
    const received = await chat(body);
    expect(received.status).toBe(status);
    ports.add(received.from);
  };
  answer = (_incoming, response) =>
    response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{}}');
  await expectStatus(500);
  answer = (_incoming, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {}\n\ndata: [DONE]\n\n');
  await expectStatus(200);
  await expectStatus(403, ASK.replace('hi', ['4111', '1111', '1111', '1111'].join(' ')));
  answer = (_incoming, response) => response.destroy();
  await expectStatus(502);
  answer = (_incoming, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  await expectStatus(200);
  expect(ports.size).toBe(1);
});
