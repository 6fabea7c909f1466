import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActiveFreeze } from '@raypher/shared';
import { type FakeUpstream, startFakeUpstream } from '@raypher/testkit';
import OpenAI from 'openai';
import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { askService } from '../cli/control-client.ts';
import { type Config, DEFAULT_CONFIG } from '../config/config.ts';
import { enroll } from '../identity/enroll.ts';
import { saveEnrolment } from '../identity/enrolment.ts';
import { SoftwareKeyProvider } from '../identity/software-key-provider.ts';
import { TestControlPlane } from '../testing/test-control-plane.ts';
import { joinOrganisation } from './membership.ts';
import { type AgentPaths, agentPaths } from './paths.ts';
import { type RunningService, startService } from './service.ts';
import { ServiceStatus } from './service-status.ts';

/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const isRoot = process.getuid?.() === 0;
const quiet = pino({ level: 'silent' });
let plane: TestControlPlane;
let upstream: FakeUpstream;
let config: Config;
let paths: AgentPaths;
let service: RunningService | undefined;
const children: ChildProcess[] = [];

beforeEach(async () => {
  plane = await TestControlPlane.start();
  upstream = await startFakeUpstream();
  config = {
    ...DEFAULT_CONFIG,
    dataDir: mkdtempSync(join(tmpdir(), 'raypher-service-')),
    proxyPort: 0,
    proxyConnectTo: { 'api.openai.com': upstream.url, 'api.deepseek.com': upstream.url },
    inventoryIntervalMs: 200,
    logLevel: 'silent',
  };
  paths = agentPaths(config.dataDir);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await service?.stop();
  service = undefined;
  await upstream.stop();
  await plane.stop();
});

async function enrol(): Promise<void> {
  const keys = await SoftwareKeyProvider.open(paths.key);
  const enrolment = await enroll(plane.server, plane.token, keys);
  saveEnrolment(paths.enrolment, enrolment);
  joinOrganisation(paths, enrolment, keys);
}

async function start(): Promise<RunningService> {
  service = await startService(config, quiet);
  return service;
}

async function restart(): Promise<void> {
  await service?.stop();
  await start();
}

const status = async () => ServiceStatus.parse(await askService(paths.control, { verb: 'status' }));
const policy = (revision: number, mode: 'enforce' | 'monitor', rules: string) => ({
  kind: 'policy' as const,
  organisation: plane.organisation,
  revision,
  issuedAt: new Date().toISOString(),
  documents: [
    {
      layer: 'global' as const,
      source: `apiVersion: raypher/v1\nmode: ${mode}\nnetwork: { default: allow, rules: ${rules} }\n`,
    },
  ],
});
const freezes = (revision: number, list: ActiveFreeze[]) => ({
  kind: 'freeze' as const,
  organisation: plane.organisation,
  revision,
  issuedAt: new Date().toISOString(),
  freezes: list,
});
const freezeOf = (library: string): ActiveFreeze => ({
  id: randomUUID(),
  selector: { kind: 'library', name: library },
  reason: 'test',
  by: 'test',
  since: new Date().toISOString(),
});

function chat(provider: string): Promise<number> {
  const client = new OpenAI({
    baseURL: `http://127.0.0.1:${service?.proxyPort()}/${provider}/v1`,
    apiKey: 'any',
    maxRetries: 0,
  });
  return client.chat.completions
    .create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hello' }] })
    .then(() => 200)
    .catch((error: unknown) => (error instanceof OpenAI.APIError ? Number(error.status) : 0));
}

/** A Node process that is an AI agent by its manifest alone, of a library that nobody else here uses. */
function spawnAgent(library: string): { child: ChildProcess; ticks: () => number } {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-agent-'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies: { [library]: '1.0.0' } }));
  writeFileSync(join(folder, 'ticks'), '');
  writeFileSync(
    join(folder, 'agent.mjs'),
    "import { appendFileSync } from 'node:fs';\nsetInterval(() => appendFileSync(new URL('ticks', import.meta.url), '.'), 20);\n",
  );
  const child = spawn(process.execPath, [join(folder, 'agent.mjs')], { stdio: 'ignore' });
  children.push(child);
  return { child, ticks: () => readFileSync(join(folder, 'ticks')).length };
}

test('before enrolment everything is recorded and nothing is blocked', async () => {
  await start();
  expect(await chat('deepseek')).toBe(200);
  const report = await status();
  expect(report).toMatchObject({ membership: null, link: null, policy: { revision: 0, mode: 'monitor' } });
  expect(report.posture.find(({ capability }) => capability === 'network.proxy')).toMatchObject({
    state: 'observing',
  });
});

test('an enrolled device without a policy lets nothing through', async () => {
  await enrol();
  plane.closeLink();
  await start();
  expect(await chat('openai')).toBe(403);
  expect(upstream.requests).toEqual([]);
  await plane.openLink();
});

test('a deployed rule holds at once, is proven by a canary, and survives a restart without a network', async () => {
  await enrol();
  const greeted = plane.hello();
  await start();
  await greeted;
  await plane.deploy(policy(1, 'monitor', '[]'));
  expect(await chat('deepseek')).toBe(200);

  const deployedAt = performance.now();
  await plane.deploy(
    policy(2, 'enforce', "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]"),
  );
  expect(await chat('deepseek')).toBe(403);
  expect(performance.now() - deployedAt).toBeLessThan(2000);
  expect(await chat('openai')).toBe(200);
  await expect
    .poll(async () => (await status()).posture.find((item) => item.capability === 'network.proxy')?.state)
    .toBe('enforced');

  plane.closeLink();
  await restart();
  expect(await chat('deepseek')).toBe(403);
  expect(await chat('openai')).toBe(200);
  expect((await status()).policy).toMatchObject({ revision: 2, mode: 'enforce' });
  await plane.openLink();
});

test('a policy that does not parse is rejected with its line and the last one stays', async () => {
  await enrol();
  const greeted = plane.hello();
  await start();
  await greeted;
  await plane.deploy(
    policy(1, 'enforce', "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]"),
  );
  const rejected = plane.rejection();
  plane.offer(plane.signer.slot(policy(2, 'enforce', '[{ id: broken, efect: deny }]')));
  expect(await rejected).toMatchObject({
    code: 'policy/schema',
    detail: expect.stringMatching(/line 3, column/),
  });
  expect(await chat('deepseek')).toBe(403);
  expect(await chat('openai')).toBe(200);
});

test('what the proxy decided reaches the control plane, without the canary', async () => {
  await enrol();
  const greeted = plane.hello();
  await start();
  await greeted;
  await plane.deploy(
    policy(1, 'monitor', "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]"),
  );
  await chat('deepseek');
  expect(await plane.entry('network.request')).toMatchObject({
    target: 'api.deepseek.com/v1/chat/completions',
    verdict: { outcome: 'DENY', mode: 'monitor', rule: 'no-deepseek', revision: 1 },
    data: { wouldBlock: true },
  });
  expect(plane.entries.filter((entry) => entry.type === 'network.request')).toHaveLength(1);
  expect(plane.entries[0]).toMatchObject({ type: 'device.enrolled', seq: 1 });
});

test.skipIf(!isRoot)(
  'a freeze holds old and new processes over kill and restart, and thaws them all',
  async () => {
    const library = 'together-ai';
    const first = spawnAgent(library);
    await expect.poll(first.ticks).toBeGreaterThan(3);
    await enrol();
    const greeted = plane.hello();
    await start();
    await greeted;
    expect((await plane.deploy(freezes(1, [freezeOf(library)]))).affected).toBeGreaterThanOrEqual(1);
    const stopped = first.ticks();

    const second = spawnAgent(library);
    await expect
      .poll(async () => (await status()).freeze.processes, { timeout: 5000 })
      .toBeGreaterThanOrEqual(2);
    const alsoStopped = second.ticks();
    plane.closeLink();
    await restart();
    await expect.poll(async () => (await status()).freeze.processes).toBeGreaterThanOrEqual(2);
    expect([first.ticks(), second.ticks()]).toEqual([stopped, alsoStopped]);

    const back = plane.hello();
    await plane.openLink();
    await back;
    await plane.deploy(freezes(2, []));
    await expect.poll(first.ticks).toBeGreaterThan(stopped);
    await expect.poll(second.ticks).toBeGreaterThan(alsoStopped);
    expect(await plane.entry('freeze.thawed')).toMatchObject({ severity: 'notice' });
  },
  30_000,
);

test.skipIf(!isRoot)(
  'a person at the machine freezes and thaws, and the record names them',
  async () => {
    const agent = spawnAgent('cohere-ai');
    await expect.poll(agent.ticks).toBeGreaterThan(3);
    await start();
    const selector = { kind: 'library' as const, name: 'cohere-ai' };
    await askService(paths.control, { verb: 'freeze', selector, reason: 'odd', by: 'mallory' });
    const stopped = agent.ticks();
    const entries: unknown[] = [];
    await askService(paths.control, { verb: 'logs', lines: 100, follow: false }, (entry) =>
      entries.push(entry),
    );
    expect(entries).toContainEqual(
      expect.objectContaining({
        type: 'freeze.applied',
        actor: expect.objectContaining({ name: 'mallory' }),
      }),
    );
    expect(agent.ticks()).toBe(stopped);
    expect(await askService(paths.control, { verb: 'thaw', by: 'mallory' })).toMatchObject({ removed: 1 });
    await expect.poll(agent.ticks).toBeGreaterThan(stopped);
    await expect(
      askService(paths.control, { verb: 'thaw', id: randomUUID(), by: 'mallory' }),
    ).rejects.toMatchObject({ code: 'request/not-found' });
  },
  20_000,
);

test('the kill order ends a tree and refuses process 1', async () => {
  const { child } = spawnAgent('left-pad');
  await start();
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  const { pid } = child;
  if (pid === undefined) throw new Error('the child did not start');
  await askService(paths.control, { verb: 'kill', pid, by: 'test' });
  expect(await ended).toBe('SIGKILL');
  await expect(askService(paths.control, { verb: 'kill', pid: 1, by: 'test' })).rejects.toMatchObject({
    code: 'process/protected',
  });
});

test('addresses can be led elsewhere while the service runs', async () => {
  const running = await start();
  expect(await chat('openai')).toBe(200);
  running.reload({ ...config, proxyConnectTo: { 'api.openai.com': 'http://127.0.0.1:1' } });
  expect(await chat('openai')).toBe(502);
});

test('a second service on the same folder is refused', async () => {
  await start();
  await expect(startService(config, quiet)).rejects.toMatchObject({ code: 'service/already-running' });
});

test('an occupied proxy port takes only the proxy down, and says so', async () => {
  await start();
  const other = {
    ...config,
    dataDir: mkdtempSync(join(tmpdir(), 'raypher-other-')),
    proxyPort: service?.proxyPort() ?? 0,
  };
  const second = await startService(other, quiet);
  try {
    const report = ServiceStatus.parse(
      await askService(agentPaths(other.dataDir).control, { verb: 'status' }),
    );
    expect(report.parts.find(({ name }) => name === 'proxy')).toMatchObject({ state: 'restarting' });
    expect(report.parts.find(({ name }) => name === 'watch')).toMatchObject({ state: 'running' });
    expect(report.posture.find(({ capability }) => capability === 'network.proxy')).toMatchObject({
      state: 'unavailable',
    });
  } finally {
    await second.stop();
  }
});

test('a damaged store is set aside and reported in the fresh ledger', async () => {
  await enrol();
  writeFileSync(paths.store, 'no database at all '.repeat(500));
  await start();
  const entries: unknown[] = [];
  await askService(paths.control, { verb: 'logs', lines: 100, follow: false }, (entry) =>
    entries.push(entry),
  );
  expect(entries).toContainEqual(expect.objectContaining({ type: 'store.corrupt', severity: 'critical' }));
  expect(await chat('openai')).toBe(403);
});

test('the local policy tightens, is followed while running, and a bad edit leaves the last good one', async () => {
  const file = join(config.dataDir, 'local.yaml');
  writeFileSync(file, localDocument('anthropic'));
  config = { ...config, policyLocalFile: file };
  await enrol();
  const greeted = plane.hello();
  await start();
  await greeted;
  await plane.deploy(policy(1, 'enforce', '[]'));
  expect(await chat('openai')).toBe(200);
  writeFileSync(file, localDocument('openai'));
  await expect.poll(() => chat('openai')).toBe(403);
  writeFileSync(file, 'mode: nonsense');
  expect(await plane.entry('policy.refused')).toMatchObject({ target: file });
  expect(await chat('openai')).toBe(403);
});

function localDocument(provider: string): string {
  return `apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow, rules: [{ id: local, effect: deny, providers: [${provider}] }] }\n`;
}
