import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MAIN } from '../testing/command-line.ts';
import { TestService } from '../testing/test-service.ts';

/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

let agent: TestService;
beforeEach(async () => {
  agent = await TestService.prepare();
});
afterEach(() => agent.stop());

async function posture() {
  const { posture } = await agent.status();
  return posture.find(({ capability }) => capability === 'network.interception');
}

/** A command under Raypher, in an environment where nothing leads to the proxy yet. */
function run(...command: string[]) {
  const args = [MAIN, 'run', '--data-dir', agent.config.dataDir, '--', ...command];
  return promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: tmpdir() },
  }).catch((error) => error);
}

function cli(...args: string[]) {
  return promisify(execFile)(process.execPath, [MAIN, ...args, '--data-dir', agent.config.dataDir]).catch(
    (error) => error,
  );
}

test('a launched program that knows nothing of the proxy is read, governed and recorded; its root survives a restart', async () => {
  await agent.join();
  await agent.plane.deploy(
    agent.policy(1, 'enforce', "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]"),
  );
  await expect.poll(posture).toMatchObject({ state: 'enforced' });
  const key = 'authorization: Bearer k';
  const { stdout, stderr } = await run(
    'sh',
    '-c',
    `curl -sS -H '${key}' https://api.openai.com/v1/models
     curl -sS -H '${key}' https://api.deepseek.com/v1/models
     "$1" -e "fetch('https://api.openai.com/v1/models', { headers: { authorization: 'Bearer k' } })
       .then((answer) => console.log('node', answer.status))"
     python3 -c "import urllib.request as u
print('python', u.urlopen(u.Request('https://api.openai.com/v1/models', headers={'authorization': 'Bearer k'})).status)"`,
    'sh',
    process.execPath,
  );
  expect(stderr).toBe('');
  expect(stdout).toContain('"object":"list"');
  expect(stdout).toContain('no-deepseek');
  expect(stdout).toMatch(/node 200\npython 200\n$/);
  const requests = async () =>
    (await agent.logs()).filter(
      (entry) =>
        typeof entry === 'object' && entry !== null && 'type' in entry && entry.type === 'network.request',
    );
  // A call is recorded when its answer has ended, of which its client need not wait.
  await expect.poll(requests).toHaveLength(4);
  expect((await requests()).every((entry) => JSON.stringify(entry).includes('"inspected":true'))).toBe(true);

  const { interception } = await agent.status();
  const exported = join(agent.config.dataDir, 'exported.pem');
  await cli('ca', 'export', exported);
  expect(readFileSync(exported, 'utf8')).toBe(interception?.certificate);
  expect(JSON.parse((await cli('ca', 'show', '--json')).stdout)).toMatchObject({
    fingerprint: interception?.fingerprint,
    validTo: interception?.expiresAt,
  });
  await agent.restart();
  expect((await agent.status()).interception).toEqual(interception);
});

test('a machine that is no member has no vault for a root, says so, and passes tunnels unread', async () => {
  await agent.start();
  expect((await agent.status()).interception).toBeNull();
  expect(await posture()).toMatchObject({
    state: 'unavailable',
    reason: expect.stringContaining('no member'),
  });
  expect(await cli('ca', 'show')).toMatchObject({ code: 4, stdout: '' });
  const environment = await run(process.execPath, '-p', 'process.env.HTTPS_PROXY');
  expect(environment.stdout).toBe('undefined\n');
});

test('switched off and on again while it runs', async () => {
  await agent.join();
  await agent.plane.deploy(agent.policy(1, 'enforce', '[]'));
  await expect.poll(posture).toMatchObject({ state: 'enforced' });
  agent.running?.reload({ ...agent.config, interceptionMode: 'off' });
  await expect.poll(posture).toMatchObject({ state: 'unavailable' });
  expect((await agent.status()).interception).toBeNull();
  agent.running?.reload(agent.config);
  await expect.poll(posture).toMatchObject({ state: 'enforced' });
});
