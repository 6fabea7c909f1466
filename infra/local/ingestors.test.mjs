import { setTimeout as delay } from 'node:timers/promises';
import { Swarm } from '@raypher/swarm';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { layout } from './paths.mjs';
import { startStack } from './stack.mjs';
import { loadSecrets } from './state/secrets.mjs';

const DEVICES = 100;
/** So few that a fleet that comes back at once would be seen. */
const ADMISSIONS_PER_SECOND = 25;
const BACK_WITHIN_MS = 60_000;

const administrator = { organisation: 'Ingestors', email: 'it@example.com', password: crypto.randomUUID() };
/** @type {import('./stack.mjs').Stack} */
let stack;
/** @type {Swarm} */
let swarm;
/** @type {pg.Client} */
let admin;

beforeAll(async () => {
  stack = await startStack({
    agent: false,
    web: false,
    ingestors: 2,
    administrator,
    env: {
      link: {
        RAYPHER_LINK_ADMISSIONS_PER_SECOND: String(ADMISSIONS_PER_SECOND),
        RAYPHER_LOG_LEVEL: 'warn',
      },
      api: { RAYPHER_LOG_LEVEL: 'warn' },
    },
  });
  const { postgres } = await loadSecrets(layout(stack.dataDir).secrets);
  admin = new pg.Client({
    host: '127.0.0.1',
    port: stack.ports.postgres,
    user: 'postgres',
    password: postgres,
    database: 'raypher',
  });
  await admin.connect();
  swarm = new Swarm({
    server: new URL(stack.urls.enrolment),
    token: await enrolmentToken(),
    devices: DEVICES,
    seed: 'ingestors',
    eventsPerSecond: 50,
  });
  await swarm.start();
  await swarm.waitForConnected(BACK_WITHIN_MS);
});

afterAll(async () => {
  await swarm?.stop();
  await admin?.end();
  await stack?.stop();
});

/** As an administrator would make it. @returns {Promise<string>} */
async function enrolmentToken() {
  const { email, password } = administrator;
  const headers = { 'content-type': 'application/json', origin: stack.urls.web };
  const signedIn = await fetch(`${stack.urls.api}/api/auth/sign-in/email`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ email, password }),
  });
  const cookie = signedIn.headers.getSetCookie().map((one) => one.split(';', 1)[0]);
  const created = await fetch(`${stack.urls.api}/v1/enrolment-tokens`, {
    method: 'POST',
    headers: { ...headers, cookie: cookie.join('; ') },
    body: JSON.stringify({ name: 'Swarm', maxUses: DEVICES }),
  });
  const { token } = /** @type {{ token: string }} */ (await created.json());
  return token;
}

/**
 * Watches until every device is connected.
 *
 * @returns {Promise<Came[]>} how many came in each tenth of a second, or in what a busy machine makes of it
 *
 * @typedef {{ atMs: number, count: number }} Came
 */
async function watchReturn() {
  /** @type {Came[]} */
  const came = [{ atMs: performance.now(), count: 0 }];
  let { connected } = swarm.stats();
  const until = Date.now() + BACK_WITHIN_MS;
  while (connected < DEVICES) {
    if (Date.now() > until) throw new Error(`Only ${connected} devices are back.`);
    await delay(100);
    const now = swarm.stats().connected;
    came.push({ atMs: performance.now(), count: Math.max(0, now - connected) });
    connected = now;
  }
  return came;
}

/** The most that came within one second. @param {Came[]} came */
function busiestSecond(came) {
  return Math.max(
    ...came.map((first) =>
      came
        .filter(({ atMs }) => atMs >= first.atMs && atMs < first.atMs + 1_000)
        .reduce((sum, { count }) => sum + count, 0),
    ),
  );
}

/** What came while nobody looked seems to have come at once: the longest time of that, seconds. @param {Came[]} came */
function longestBlink(came) {
  return Math.max(0, ...came.slice(1).map(({ atMs }, index) => (atMs - (came[index]?.atMs ?? atMs)) / 1_000));
}

/** Everything that devices recorded is stored, each entry once. */
async function expectNothingLostOrDoubled() {
  swarm.pauseEvents();
  await swarm.waitForDurable(BACK_WITHIN_MS);
  const { rows } = await admin.query(
    `SELECT count(*)::int AS stored, count(DISTINCT (device_id, seq))::int AS different,
        (SELECT sum(last_seq)::int FROM device_chains) AS chained FROM events`,
  );
  const { entries } = swarm.stats();
  expect(rows).toEqual([{ stored: entries, different: entries, chained: entries }]);
}

/** How many streams each process of the link has. */
async function streamsOfEach() {
  return Promise.all(
    stack.links.map(async ({ http }) => {
      const text = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
      return Number(/^raypher_link_streams (\d+)$/m.exec(text)?.[1]);
    }),
  );
}

it('devices are spread over both processes behind one port', async () => {
  // Of a device that came back a process may still hold the stream before.
  await expect.poll(async () => (await streamsOfEach()).reduce((sum, count) => sum + count, 0)).toBe(DEVICES);
  const streams = await streamsOfEach();
  for (const count of streams) expect(count).toBeGreaterThan(DEVICES / 5);
});

it('devices of a process that is killed come back to the other, no faster than it lets them', async () => {
  const link = stack.process('link-2');
  const [, lost = 0] = await streamsOfEach();
  link.kill('SIGKILL');
  await expect.poll(() => swarm.stats().connected).toBeLessThan(DEVICES - lost / 2);
  const came = await watchReturn();
  // As many as it lets in within a second may come at once, after a time in which nobody came.
  expect(busiestSecond(came)).toBeLessThanOrEqual((2 + longestBlink(came)) * ADMISSIONS_PER_SECOND * 1.2);
  await link.untilUp();
});

it('devices of a process that stops in order come back to the other, spread', async () => {
  const link = stack.process('link');
  const before = swarm.stats().endings['link/overloaded'] ?? 0;
  const stopped = link.stop();
  await expect.poll(() => swarm.stats().endings['link/overloaded'] ?? 0).toBeGreaterThan(before);
  await stopped;
  const came = await watchReturn();
  expect(busiestSecond(came)).toBeLessThanOrEqual((1 + longestBlink(came)) * ADMISSIONS_PER_SECOND * 1.2);
  await link.start();
});

it('a restart of all processes at once is no storm either, and nothing was lost or doubled by any of it', async () => {
  for (const { name } of stack.links) stack.process(name).kill('SIGKILL');
  await expect.poll(() => swarm.stats().connected).toBe(0);
  const came = await watchReturn();
  expect(busiestSecond(came)).toBeLessThanOrEqual((2 + longestBlink(came)) * ADMISSIONS_PER_SECOND * 1.2);
  await expectNothingLostOrDoubled();
});
