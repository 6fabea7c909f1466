import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { landlockAbi } from '../../native/landlock.ts';
import { type Cgroup, probeCgroups } from '../../response/cgroup.ts';
import { type AttemptOutcome, AttemptRunner } from '../testing/attempt-runner.ts';
import { AttemptSinks } from '../testing/attempt-sinks.ts';
import { ATTEMPTS } from '../testing/attempts.ts';
import { runAll } from '../testing/run-all.ts';
import { makeStageFiles, type Stage, stagePolicy } from '../testing/stage.ts';
import { confine } from './confine.ts';
import { startConfined } from './start-confined.ts';

const PROGRAM = new URL('../testing/attempt.ts', import.meta.url).pathname;
/** The column of the enforcement matrix; `RAYPHER_WRITE_OUTCOMES=1` writes it anew. */
const COLUMN = new URL('../testing/outcomes/landlock.json', import.meta.url).pathname;
/** Where they succeed they break the machine: they are made in the guest of the kernel tests alone. */
const HERE = ATTEMPTS.filter(({ dangerous }) => dangerous !== true).map((attempt) =>
  // Who calls the kernel as a 32-bit program is killed: nobody else is to go with it.
  attempt.id.includes('32-bit') ? { ...attempt, alone: true } : attempt,
);

/** Not the product's own: what an agent left in force there must not help, nor be in the way. */
const GROUPS = `raypher-landlock-attempts-${process.pid}`;

const missing = ((): string | undefined => {
  const cgroups = probeCgroups(GROUPS);
  if (process.arch !== 'x64' || process.getuid?.() !== 0) return 'needs root on x64';
  if (!cgroups.available) return cgroups.reason;
  try {
    return landlockAbi() < 7 ? 'needs Landlock ABI 7' : undefined;
  } catch (error) {
    return String(error);
  }
})();

describe.skipIf(missing !== undefined)(`escape attempts under Landlock (${missing ?? 'here'})`, () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-landlock-attempts-')));
  const outcomes = new Map<string, AttemptOutcome>();
  const victims: ChildProcess[] = [];
  let group: Cgroup | undefined;

  const victim = (): number => {
    const child = spawn('sleep', ['300'], { stdio: 'ignore' });
    victims.push(child);
    return child.pid ?? 0;
  };

  beforeAll(async () => {
    const cgroups = probeCgroups(GROUPS);
    if (!cgroups.available) throw new Error(cgroups.reason);
    const entered = cgroups.cgroups.create(`run-attempts-${process.pid}`);
    group = entered;
    await using sinks = await AttemptSinks.open('127.0.0.13');
    const files = makeStageFiles(folder);
    // Programs are known by name in the folders of PATH; the forbidden shell lies in one, as shells do.
    const path = `${process.env.PATH}:${dirname(files.shell)}`;
    const confinement = confine(
      { policy: stagePolicy(files), filesAreHeld: false, ownPaths: [], readablePaths: [] },
      path,
    );
    if (confinement === undefined) throw new Error('nothing to be held to');
    const open = (): AttemptRunner => {
      const stage: Stage = {
        ...files,
        agentPid: victim(),
        siblingPid: victim(),
        sinks: sinks.sinks,
        cgroupRoot: dirname(cgroups.cgroups.folder),
        cgroup: entered.path,
      };
      return new AttemptRunner({
        stage,
        received: () => sinks.take(),
        start: () => {
          const command = { command: process.execPath, args: [PROGRAM], env: { PATH: path } };
          const child = startConfined({ group: entered.path, confinement, ...command }, 'pipe');
          child.stderr?.resume();
          return child;
        },
      });
    };
    for (const outcome of await runAll(HERE, open)) outcomes.set(outcome.id, outcome);
    if (process.env.RAYPHER_WRITE_OUTCOMES === '1') {
      writeFileSync(
        COLUMN,
        `${JSON.stringify([...outcomes.values()], null, 2).replaceAll(folder, '/stage')}\n`,
      );
    }
  }, 480_000);

  afterAll(async () => {
    const running = victims.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(running.map((child) => once(child, 'exit')));
    group?.kill();
    await group?.waitEmpty(10_000);
    group?.remove();
    const left = probeCgroups(GROUPS);
    if (left.available) left.cgroups.removeFolder();
    rmSync(folder, { recursive: true, force: true });
  });

  test('no attempt counts as stopped because its process had ended before', () => {
    const ended = [...outcomes.values()].filter(({ because }) => because === 'the process ended');
    expect(ended.map(({ id }) => id).filter((id) => !id.includes('32-bit'))).toEqual([]);
  });

  test.for(HERE)('$id: $tries', ({ id }, { skip }) => {
    // What is there is what this test wrote.
    const recorded = JSON.parse(readFileSync(COLUMN, 'utf8')) as AttemptOutcome[];
    const expected = recorded.find((one) => one.id === id);
    const actual = outcomes.get(id);
    for (const one of [actual, expected]) {
      if (one?.outcome === 'not applicable') skip(`not every machine can try it: ${one.because}`);
    }
    expect(actual?.outcome, JSON.stringify(actual)).toBe(expected?.outcome);
  });
});
