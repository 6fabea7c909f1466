import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RaypherError } from '@raypher/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GuardAnswer } from '../guard/guard-answer.ts';
import { policyOf } from '../guard/testing/policy-of.ts';
import { startControlServer } from '../service/control-server.ts';
import { agentPaths } from '../service/paths.ts';
import { ServiceStatus } from '../service/service-status.ts';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';
import { TestService } from '../testing/test-service.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-run-confined-')));
const DB = join(root, 'production.db');
const answer: GuardAnswer = {
  policy: policyOf([{ id: 'production', operations: ['delete'], paths: [DB] }]),
  filesAreHeld: false,
  ownPaths: [root],
  readablePaths: [],
};
let service: TestService;
let held: GuardAnswer = answer;
let asked: unknown;
let failure: RaypherError | undefined;
let mode: 'enforce' | 'monitor' = 'monitor';
let stop: () => Promise<void>;

function inMode(status: unknown, wanted: typeof mode): unknown {
  const parsed = ServiceStatus.parse(status);
  return { ...parsed, policy: { ...parsed.policy, mode: wanted } };
}

beforeAll(async () => {
  writeFileSync(DB, 'rows');
  service = await TestService.prepare();
  await service.start();
  // The service, but for what it says about the policy: its own is that of a machine that nobody enrolled.
  stop = await startControlServer(agentPaths(root).control, async (request) => {
    if (request.verb !== 'guard-policy') {
      const answered = await service.ask(request);
      return request.verb === 'status' ? inMode(answered, mode) : answered;
    }
    asked = request;
    if (failure !== undefined) throw failure;
    return held;
  });
});
afterAll(async () => {
  await stop();
  await service.stop();
});

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function raypherRun(...command: string[]): Promise<Outcome> {
  const args = [MAIN, 'run', '--data-dir', root, '--', ...command];
  return promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT, HOME: root },
  }).then(
    (output) => ({ code: 0, ...output }),
    // What execFile rejects with has these.
    (error: unknown) => error as Outcome,
  );
}

test('a command is held to the policy of the service, in its control group', async () => {
  held = answer;
  const result = await raypherRun('/bin/sh', '-c', `rm -f ${DB}; grep ^0: /proc/self/cgroup; exit 3`);
  expect(result.code).toBe(3);
  expect(result.stderr).toMatch(/^raypher: (?:WARNING: )?files and programs: /m);
  expect(asked).toMatchObject({ verb: 'guard-policy' });
  expect(readFileSync(DB, 'utf8')).toBe('rows');
  // Where control groups cannot be used, it says so and has none.
  expect(result.stdout).toMatch(result.stderr.includes('without one') ? /^0::/ : /^0::.*\/raypher\/run-/);
}, 120_000);

test('where nothing is in force, it runs as it would without', async () => {
  held = { ...answer, policy: null };
  const result = await raypherRun('/bin/sh', '-c', 'grep NoNewPrivs /proc/self/status');
  expect(result).toMatchObject({ code: 0, stderr: '', stdout: 'NoNewPrivs:\t0\n' });
}, 120_000);

test('where rules are enforced and nobody says which, nothing starts; where they are watched, it warns', async () => {
  failure = new RaypherError('internal/unexpected', 'the rules cannot be had');
  try {
    mode = 'enforce';
    const refused = await raypherRun('/bin/sh', '-c', 'echo started');
    expect(refused.code).not.toBe(0);
    expect(refused).toMatchObject({ stdout: '', stderr: expect.stringContaining('the rules cannot be had') });
    mode = 'monitor';
    expect(await raypherRun('/bin/sh', '-c', 'echo started')).toMatchObject({
      code: 0,
      stdout: 'started\n',
      stderr: expect.stringContaining('WARNING: files and programs are not held'),
    });
  } finally {
    failure = undefined;
    mode = 'monitor';
  }
}, 120_000);
