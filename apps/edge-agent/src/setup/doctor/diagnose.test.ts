import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DEFAULT_CONFIG } from '../../config/config.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { runCheck } from './check.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'raypher-doctor-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dataDir, { recursive: true });
});

const look = (config = {}): Promise<Diagnosis[]> =>
  diagnose(
    () => ({ ...DEFAULT_CONFIG, dataDir, proxyPort: 0, ...config }),
    async () => undefined,
  );
const find = (checks: readonly Diagnosis[], name: string): Diagnosis | undefined =>
  checks.find((check) => check.name === name);

test('a configuration that cannot be read is a finding with its line, and the rest is still looked at', async () => {
  const checks = await diagnose(
    () => {
      parseConfig('[proxy]\nprot = 1\n', 'agent.toml');
      return DEFAULT_CONFIG;
    },
    async () => Promise.reject(new Error('no socket')),
  );
  expect(checks[0]).toMatchObject({
    name: 'configuration',
    state: 'fail',
    evidence: 'agent.toml:2: there is no key `proxy.prot`.',
    advice: 'Did you mean `proxy.port`?',
  });
  expect(checks.length).toBeGreaterThan(8);
});

test('a folder that others can write to fails; one that they can only enter is a warning', async () => {
  chmodSync(dataDir, 0o777);
  expect(find(await look(), 'data folder')).toMatchObject({ state: 'fail' });
  chmodSync(dataDir, 0o755);
  expect(find(await look(), 'data folder')).toMatchObject({ state: 'warn' });
  chmodSync(dataDir, 0o700);
  expect(find(await look(), 'data folder')).toMatchObject({ state: 'ok', advice: '' });
});

test('a damaged enrolment is a finding and not an exception', async () => {
  mkdirSync(join(dataDir, 'identity'));
  writeFileSync(join(dataDir, 'identity', 'enrolment.json'), '{');
  expect(find(await look(), 'membership')).toMatchObject({ state: 'fail' });
});

test('variables that redirect traffic are named, their values are not shown', async () => {
  vi.stubEnv('https_proxy', 'http://user:hidden@proxy.example.com');
  const found = find(await look(), 'environment');
  expect(found).toMatchObject({ state: 'warn' });
  expect(found?.evidence).toContain('https_proxy');
  expect(JSON.stringify(found)).not.toContain('hidden');
});

test('a port that somebody else holds is found', async () => {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect(find(await look({ proxyPort: port }), 'proxy port')).toMatchObject({ state: 'fail' });
  server.close();
});

test('a check that never ends is one that failed', async () => {
  vi.useFakeTimers();
  const result = runCheck({ name: 'endless', run: () => new Promise(() => {}) });
  await vi.advanceTimersByTimeAsync(12_000);
  expect(await result).toMatchObject({ state: 'fail', evidence: 'no result within 12 s' });
  vi.useRealTimers();
});
