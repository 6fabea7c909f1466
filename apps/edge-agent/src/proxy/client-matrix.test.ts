import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { RecordedRequest } from '@raypher/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Budgets } from '../budgets/budgets.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import { ClientProcess } from '../testing/clients/client-process.ts';
import type { Task, TaskResult } from '../testing/clients/client-program.ts';
import { CLIENTS } from '../testing/clients/clients.ts';
import { type Origins, originsAt, PUBLIC_ORIGINS } from '../testing/clients/origins.ts';
import type { ScenarioName } from '../testing/clients/scenario.ts';
import { EVERYTHING_ON } from '../testing/everything-on.ts';
import { TestInterception } from '../testing/test-interception.ts';

let world: TestInterception;
let clients: ClientProcess;
const db = new DatabaseSync(':memory:');
beforeAll(async () => {
  for (const step of MIGRATIONS) db.exec(step);
  world = await TestInterception.start({}, new Budgets(db));
  clients = await ClientProcess.start(world.proxy.port, world.rootFile);
});
beforeEach(() => {
  world.reset();
  world.govern(EVERYTHING_ON);
});
afterAll(async () => {
  await clients.stop();
  await world.stop();
  db.close();
});

type Way = 'direct' | 'base URL' | 'CONNECT';
const THROUGH = ['base URL', 'CONNECT'] as const;

function originsOf(way: Way): Origins {
  if (way === 'CONNECT') return PUBLIC_ORIGINS;
  return originsAt(way === 'direct' ? world.upstream.url : world.url);
}

interface Faults {
  readonly failWith?: number;
  readonly failRequests?: number;
  readonly goodKey?: string;
  readonly model?: string;
  readonly retries?: number;
  readonly slowly?: boolean;
  readonly errorAfterEvents?: number;
}

interface Run {
  readonly result: TaskResult;
  /** As the upstream received them. */
  readonly sent: readonly Sent[];
  readonly requests: readonly RecordedRequest[];
}

interface Sent {
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

async function run(way: Way, client: string, scenario: ScenarioName, faults: Faults = {}): Promise<Run> {
  const {
    failWith,
    failRequests = Number.POSITIVE_INFINITY,
    goodKey,
    errorAfterEvents,
    slowly = false,
  } = faults;
  world.upstream.reset();
  world.upstream.behave({
    failWith,
    failRequests,
    errorAfterEvents,
    ...(goodKey === undefined ? {} : { acceptKey: (key: string) => key === goodKey }),
    // Some seconds in all: a process that was held up for a while has not missed the end of it.
    ...(slowly ? { chunkCharacters: 1, chunkDelayMs: 100 } : {}),
  });
  const { model = client.includes('anthropic') ? 'claude-opus-4-5' : 'gpt-4o', retries = 0 } = faults;
  const task: Task = { client, scenario, origins: originsOf(way), apiKey: 'the-key', model, retries };
  const result = await clients.run(task);
  const requests = [...world.upstream.requests];
  return { result, requests, sent: requests.map(sentOf) };
}

/** Of one connection each (RFC 9110 §7.6.1); where the request goes; and what the proxy asks for to be able to read. */
const DIFFERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'accept-encoding']);

function sentOf({ method, path, query, rawHeaders, body }: RecordedRequest): Sent {
  const headers = rawHeaders.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1] ?? '']] : [],
  );
  return {
    line: `${method} ${path}?${query}`,
    headers: sorted(headers.filter(([name]) => !DIFFERS.has(name))),
    body: body.toString('base64'),
  };
}

/** What the program gets. One client also shows the headers of the connection. */
function givenBy({ result }: Run): unknown {
  return JSON.parse(JSON.stringify(result.outcome), (name, value) =>
    OF_CONNECTION.has(name) ? undefined : value,
  );
}

/** What came back, apart from the connection and the second in which it was sent. */
function receivedBy({ result }: Run) {
  return result.received.map(({ status, headers, body }) => ({
    status,
    headers: sorted(headers.filter(([name]) => !OF_CONNECTION.has(name))),
    body: Buffer.from(body, 'base64').toString('latin1'),
  }));
}
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date']);

function sorted<Line extends readonly [string, string]>(lines: readonly Line[]): Line[] {
  return lines.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Runs the same thing three times: nothing but the way may differ. */
async function expectSame(client: string, scenario: ScenarioName, faults: Faults = {}): Promise<Run> {
  const direct = await run('direct', client, scenario, faults);
  expect(direct.requests.length).toBeGreaterThan(0);
  for (const way of THROUGH) {
    const through = await run(way, client, scenario, faults);
    expect(through.sent, `${way}: what the provider receives`).toEqual(direct.sent);
    expect(receivedBy(through), `${way}: what the client receives`).toEqual(receivedBy(direct));
    // None of it went past the proxy, which says the host that the client meant.
    for (const { headers } of through.requests)
      expect(headers.host).not.toContain(String(world.upstream.port));
    expect(givenBy(through), `${way}: what the program gets`).toEqual(givenBy(direct));
  }
  await world.recorded('network.request');
  expect(world.events.filter(({ type }) => type === 'dlp.found' || type === 'network.tunnel')).toEqual([]);
  return direct;
}

const SCENARIOS = ['chat', 'stream', 'tools', 'streamedTools', 'more'] as const;

describe.each(Object.entries(CLIENTS))('%s', (client, scenariosOf) => {
  const offered = scenariosOf(PUBLIC_ORIGINS, 'the-key');
  test.each(SCENARIOS.filter((name) => offered[name] !== undefined))('%s', async (scenario) => {
    const { result } = await expectSame(client, scenario);
    expect(result.outcome).toHaveProperty('value');
    if (scenario !== 'more') expect(JSON.stringify(result.outcome)).toMatch(/Zürich/);
  });

  const statuses = client.includes('anthropic') ? [429, 500, 529] : [429, 500, 503];
  // Ollama on a machine of one's own takes any key.
  const keys: [string, Faults][] =
    client === 'ollama' ? [] : [['a key that is none', { goodKey: 'another-key' }]];
  test.each<[string, Faults]>([
    ...keys,
    ['a model that is none', { model: 'no-such-model' }],
    ...statuses.map((failWith): [string, Faults] => [`a status of ${failWith}`, { failWith }]),
  ])('an error: %s', async (_name, faults) => {
    // How an error is read does not depend on what was asked for: one status shows it for streams.
    for (const scenario of faults.failWith === 429 ? (['chat', 'stream'] as const) : (['chat'] as const)) {
      const { result } = await expectSame(client, scenario, faults);
      expect(JSON.stringify(result.outcome)).toMatch(/"error"/);
    }
  });

  test('an error in the middle of a stream', async () => {
    const { result } = await expectSame(client, 'stream', { errorAfterEvents: 3 });
    expect(result.received[0]?.status).toBe(200);
  });

  test('hanging up ends the call at the provider', async () => {
    for (const way of ['direct', ...THROUGH] as const) {
      const { result, requests } = await run(way, client, 'abort', { slowly: true });
      expect(result.outcome, way).toHaveProperty('value');
      expect(await requests[0]?.closed, way).toBe('abandoned');
    }
  });
});

test.each([
  ['openai, chat completions', 429],
  ['@anthropic-ai/sdk', 529],
])('%s tries again after %d, as often as it would directly', async (client, failWith) => {
  const { requests, result } = await expectSame(client, 'chat', { failWith, failRequests: 1, retries: 2 });
  expect(result.outcome).toHaveProperty('value');
  expect(requests.map(({ headers }) => headers['x-stainless-retry-count'])).toEqual(['0', '1']);
});

test('the page about providers names each client with the version that is tested', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
  const { devDependencies }: { devDependencies: Record<string, string> } = JSON.parse(
    read('../../package.json'),
  );
  const page = read('../../../../docs/providers.md');
  const listed = [...page.matchAll(/^\| (\S+) \| (\d+\.\d+\.\d+) \|/gm)].map(([, name, version]) => [
    name,
    version,
  ]);
  const packages = [...new Set(Object.keys(CLIENTS).flatMap((name) => name.split(/,? (?:with )?/)))].filter(
    (word) => Object.hasOwn(devDependencies, word),
  );
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries([...packages, '@langchain/core'].map((name) => [name, devDependencies[name]])),
  );
});
