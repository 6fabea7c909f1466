import { randomUUID } from 'node:crypto';
import {
  CreatedEnrolmentToken,
  Device,
  EventView,
  FreezeWithRollout,
  PolicyRevision,
  pageOf,
  Rollout,
} from '@raypher/shared/rest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Swarm } from './swarm.ts';

/** The part of infra/local/stack.mjs that is used here; it is a script, outside of every package. */
interface StackModule {
  startStack(options: {
    agent: boolean;
    web: boolean;
    administrator: { organisation: string; email: string; password: string };
  }): Promise<Stack>;
}
interface Stack {
  urls: { web: string; api: string; enrolment: string };
  process(name: 'link'): { kill(signal: NodeJS.Signals): void; untilUp(): Promise<void> };
  stop(): Promise<void>;
}

const DEVICES = 50;
const ORGANISATION = 'Swarm';
const administrator = { organisation: ORGANISATION, email: 'admin@example.com', password: randomUUID() };

let stack: Stack;
let swarm: Swarm;
let cookie: string;

beforeAll(async () => {
  const script = new URL('../../../infra/local/stack.mjs', import.meta.url).href;
  const { startStack }: StackModule = await import(script);
  stack = await startStack({ agent: false, web: false, administrator });
  cookie = await signIn();
  const { token } = CreatedEnrolmentToken.parse(
    await send('POST', '/v1/enrolment-tokens', { name: 'Swarm', maxUses: DEVICES }),
  );
  swarm = new Swarm({
    server: new URL(stack.urls.enrolment),
    token,
    devices: DEVICES,
    seed: 'medium',
    eventsPerSecond: 200,
    behaviour: { duplicateBatch: 0.2 },
  });
  await swarm.start();
  await swarm.waitForConnected(30_000);
}, 120_000);

afterAll(async () => {
  await swarm?.stop();
  await stack?.stop();
});

async function send(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(stack.urls.api + path, {
    method,
    headers: { 'content-type': 'application/json', origin: stack.urls.web, cookie: cookie ?? '' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function signIn(): Promise<string> {
  const { email, password } = administrator;
  const response = await fetch(`${stack.urls.api}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: stack.urls.web },
    body: JSON.stringify({ email, password }),
  });
  expect(response.status).toBe(200);
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
}

async function readAll<T extends z.ZodType>(item: T, path: string): Promise<z.infer<T>[]> {
  const Page = z.object({ ...pageOf(item).shape, items: z.array(item) });
  const items: z.infer<T>[] = [];
  for (let cursor = ''; ; ) {
    const page = Page.parse(await send('GET', `${path}limit=500${cursor}`));
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

async function deploy(rule: string): Promise<Rollout> {
  const running = PolicyRevision.parse(await send('GET', '/v1/policies/running'));
  const source = `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - id: ${rule}
      effect: deny
      destinations: ['*.example']
      reason: A test.
`;
  const documents = [{ layer: 'global', source }];
  const change = { documents, basedOn: running.revision, reason: 'A test', confirm: ORGANISATION };
  return Rollout.parse(await send('POST', '/v1/policies/deploy', change));
}

async function settled(id: string): Promise<Rollout> {
  let rollout = Rollout.parse(await send('GET', `/v1/rollouts/${id}`));
  await expect
    .poll(
      async () => {
        rollout = Rollout.parse(await send('GET', `/v1/rollouts/${id}`));
        return rollout.counts.applied;
      },
      { timeout: 10_000 },
    )
    .toBe(DEVICES);
  return rollout;
}

test('every device is listed as connected and marked as simulated', async () => {
  await expect
    .poll(async () => (await readAll(Device, '/v1/devices?')).filter(({ connected }) => connected).length, {
      timeout: 10_000,
    })
    .toBe(DEVICES);
  const devices = await readAll(Device, '/v1/devices?');
  expect(devices.every(({ simulated, hostname }) => simulated && hostname.startsWith('sim-'))).toBe(true);
});

test('a deploy reaches every device and the control plane knows', async () => {
  const rollout = await deploy('first');
  const times = await swarm.waitForApplied('policy', rollout.revision, 10_000);
  expect(times).toHaveLength(DEVICES);
  expect(await settled(rollout.id)).toMatchObject({ devices: DEVICES, counts: { rejected: 0 } });
});

test('a freeze reaches every device, and so does the thaw', async () => {
  const frozen = FreezeWithRollout.parse(
    await send('POST', '/v1/freezes', { selector: { kind: 'all' }, reason: 'A test', confirm: ORGANISATION }),
  );
  await swarm.waitForApplied('freeze', frozen.rollout.revision, 10_000);
  expect((await settled(frozen.rollout.id)).affected).toBeGreaterThanOrEqual(DEVICES);
  const thawed = FreezeWithRollout.parse(
    await send('POST', `/v1/freezes/${frozen.freeze.id}/thaw`, { reason: 'A test' }),
  );
  await swarm.waitForApplied('freeze', thawed.rollout.revision, 10_000);
});

test('a fleet that lost its link comes back, catches up and has every event exactly once', {
  timeout: 90_000,
}, async () => {
  stack.process('link').kill('SIGKILL');
  await expect.poll(() => swarm.stats().connected, { timeout: 10_000 }).toBe(0);
  const rollout = await deploy('while-away');
  await stack.process('link').untilUp();
  await swarm.waitForConnected(60_000);
  await swarm.waitForApplied('policy', rollout.revision, 30_000);
  swarm.pauseEvents();
  await swarm.waitForDurable(20_000);
  for (const device of swarm.devices) {
    const events = await readAll(EventView, `/v1/events?device=${device.id}&`);
    const numbers = events.map(({ seq }) => seq).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: device.ledgerSeq }, (_, index) => index + 1));
  }
});
