import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GUARD_CAPABILITIES } from '../guard-back-end.ts';
import { type AttemptOutcome, AttemptRunner } from './attempt-runner.ts';
import { AttemptSinks } from './attempt-sinks.ts';
import { ATTEMPTS } from './attempts.ts';
import { makeStageFiles, type Stage } from './stage.ts';

const PROGRAM = new URL('./attempt.ts', import.meta.url).pathname;
const canTry = process.platform === 'linux' && process.arch === 'x64' && process.getuid?.() === 0;
/**
 * Those that a stage without a guard has everything for. Containers keep processes from their disks, and many
 * machines everybody from pings: the guest that the kernel tests boot shows that these succeed.
 */
const NOT_ON_EVERY_MACHINE = ['read-the-disk', 'make-a-device-file', 'ping-socket', 'take-pinned-map'];
const WITHOUT_A_GUARD = ATTEMPTS.filter(
  ({ dangerous, id }) =>
    dangerous !== true && !id.includes('control-group') && !NOT_ON_EVERY_MACHINE.includes(id),
);

describe('attempts', () => {
  test('are at least forty, each with a name of its own and something that should stop it', () => {
    expect(ATTEMPTS.length).toBeGreaterThanOrEqual(40);
    expect(new Set(ATTEMPTS.map(({ id }) => id)).size).toBe(ATTEMPTS.length);
    for (const { stoppedBy, tries } of ATTEMPTS) {
      expect(GUARD_CAPABILITIES).toContain(stoppedBy);
      expect(tries).not.toBe('');
    }
  });
});

describe.skipIf(!canTry)('attempts without a guard (needs root on Linux on x64)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-attempts-'));
  const outcomes = new Map<string, AttemptOutcome>();
  const victims: ChildProcess[] = [];

  const victim = (): number => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    victims.push(child);
    return child.pid ?? 0;
  };

  beforeAll(async () => {
    await using sinks = await AttemptSinks.open('127.0.0.9');
    const files = makeStageFiles(folder);
    const stage = (): Stage => ({
      ...files,
      agentPid: victim(),
      siblingPid: victim(),
      sinks: sinks.sinks,
      cgroupRoot: '/nowhere',
      cgroup: '/nowhere',
    });
    const open = (): AttemptRunner =>
      new AttemptRunner({
        stage: stage(),
        start: () => spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] }),
        received: () => sinks.take(),
      });
    await using shared = open();
    for (const attempt of WITHOUT_A_GUARD.filter(({ endsAgent }) => endsAgent !== true)) {
      outcomes.set(attempt.id, await shared.run(attempt));
    }
    for (const attempt of WITHOUT_A_GUARD.filter(({ endsAgent }) => endsAgent === true)) {
      await using own = open();
      outcomes.set(attempt.id, await own.run(attempt));
    }
  }, 240_000);

  afterAll(async () => {
    const running = victims.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(running.map((child) => once(child, 'exit')));
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(WITHOUT_A_GUARD)('$id succeeds: $tries', ({ id }) => {
    const outcome = outcomes.get(id);
    expect(outcome?.outcome, JSON.stringify(outcome)).toMatch(/^not (stopped|applicable)$/);
  });
});
