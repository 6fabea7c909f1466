import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { askService } from '../cli/control-client.ts';
import { TestService } from '../testing/test-service.ts';
import { agentPaths } from './paths.ts';
import { startService } from './service.ts';
import { ServiceStatus } from './service-status.ts';

const quiet = pino({ level: 'silent' });
/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

let agent: TestService;
beforeEach(async () => {
  agent = await TestService.prepare();
});
afterEach(() => agent.stop());

test('before enrolment everything is recorded and nothing is blocked', async () => {
  await agent.start();
  expect(await agent.chat('deepseek')).toBe(200);
  const report = await agent.status();
  expect(report).toMatchObject({ membership: null, link: null, policy: { revision: 0, mode: 'monitor' } });
  expect(report.posture.find(({ capability }) => capability === 'network.proxy')).toMatchObject({
    state: 'observing',
  });
});

test('an enrolled device without a policy lets nothing through', async () => {
  await agent.enrol();
  agent.plane.closeLink();
  await agent.start();
  expect(await agent.chat('openai')).toBe(403);
  expect(agent.upstream.requests).toEqual([]);
  await agent.plane.openLink();
});

test('a deployed rule holds at once, is proven by a canary, and survives a restart without a network', async () => {
  await agent.join();
  const rules = "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]";
  let revision = 0;
  let tookMs = Number.POSITIVE_INFINITY;
  // The best of three: whatever else the machine does can hold up any one of them.
  for (let tries = 0; tries < 3 && tookMs >= 2000; tries += 1) {
    await agent.plane.deploy(agent.policy(++revision, 'monitor', '[]'));
    expect(await agent.chat('deepseek')).toBe(200);

    const deployedAt = performance.now();
    await agent.plane.deploy(agent.policy(++revision, 'enforce', rules));
    expect(await agent.chat('deepseek')).toBe(403);
    tookMs = performance.now() - deployedAt;
  }
  expect(tookMs).toBeLessThan(2000);
  expect(await agent.chat('openai')).toBe(200);
  await expect
    .poll(
      async () => (await agent.status()).posture.find((item) => item.capability === 'network.proxy')?.state,
    )
    .toBe('enforced');

  agent.plane.closeLink();
  await agent.restart();
  expect(await agent.chat('deepseek')).toBe(403);
  expect(await agent.chat('openai')).toBe(200);
  expect((await agent.status()).policy).toMatchObject({ revision, mode: 'enforce' });
  await agent.plane.openLink();
});

test('a policy that does not parse is rejected with its line and the last one stays', async () => {
  await agent.join();
  await agent.plane.deploy(
    agent.policy(1, 'enforce', "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]"),
  );
  const rejected = agent.plane.rejection();
  agent.plane.offer(agent.plane.signer.slot(agent.policy(2, 'enforce', '[{ id: broken, efect: deny }]')));
  expect(await rejected).toMatchObject({
    code: 'policy/schema',
    detail: expect.stringMatching(/line 3, column/),
  });
  expect(await agent.chat('deepseek')).toBe(403);
  expect(await agent.chat('openai')).toBe(200);
});

test('what the proxy decided reaches the control plane, without the canary', async () => {
  await agent.join();
  await agent.plane.deploy(
    agent.policy(1, 'monitor', "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]"),
  );
  await agent.chat('deepseek');
  expect(await agent.plane.entry('network.request')).toMatchObject({
    target: 'api.deepseek.com/v1/chat/completions',
    verdict: { outcome: 'DENY', mode: 'monitor', rule: 'no-deepseek', revision: 1 },
    data: { wouldBlock: true },
  });
  expect(agent.plane.entries.filter((entry) => entry.type === 'network.request')).toHaveLength(1);
  expect(agent.plane.entries[0]).toMatchObject({ type: 'device.enrolled', seq: 1 });
});

test('addresses can be led elsewhere while the service runs', async () => {
  const running = await agent.start();
  expect(await agent.chat('openai')).toBe(200);
  running.reload({ ...agent.config, proxyConnectTo: { 'api.openai.com': 'http://127.0.0.1:1' } });
  expect(await agent.chat('openai')).toBe(502);
});

test('a second service on the same folder is refused', async () => {
  await agent.start();
  await expect(startService(agent.config, quiet)).rejects.toMatchObject({ code: 'service/already-running' });
});

test('an occupied proxy port takes only the proxy down, and says so', async () => {
  await agent.start();
  const other = {
    ...agent.config,
    dataDir: mkdtempSync(join(tmpdir(), 'raypher-other-')),
    proxyPort: agent.running?.proxyPort() ?? 0,
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
  await agent.enrol();
  writeFileSync(agent.paths.store, 'no database at all '.repeat(500));
  await agent.start();
  const entries = await agent.logs();
  expect(entries).toContainEqual(expect.objectContaining({ type: 'store.corrupt', severity: 'critical' }));
  expect(await agent.chat('openai')).toBe(403);
});

test('the local policy tightens, is followed while running, and a bad edit leaves the last good one', async () => {
  const file = join(agent.config.dataDir, 'local.yaml');
  writeFileSync(file, localDocument('anthropic'));
  agent.config = { ...agent.config, policyLocalFile: file };
  await agent.join();
  await agent.plane.deploy(agent.policy(1, 'enforce', '[]'));
  expect(await agent.chat('openai')).toBe(200);
  writeFileSync(file, localDocument('openai'));
  await expect.poll(() => agent.chat('openai')).toBe(403);
  writeFileSync(file, 'mode: nonsense');
  expect(await agent.plane.entry('policy.refused')).toMatchObject({ target: file });
  expect(await agent.chat('openai')).toBe(403);
});

function localDocument(provider: string): string {
  return `apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow, rules: [{ id: local, effect: deny, providers: [${provider}] }] }\n`;
}
