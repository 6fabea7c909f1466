import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { landlockAbi } from '../../native/landlock.ts';
import { type Cgroup, probeCgroups } from '../../response/cgroup.ts';
import { AttemptRunner } from '../testing/attempt-runner.ts';
import { AttemptSinks } from '../testing/attempt-sinks.ts';
import { ATTEMPTS } from '../testing/attempts.ts';
import { OutcomeColumn } from '../testing/outcome-column.ts';
import { runAll } from '../testing/run-all.ts';
import { makeStageFiles, type Stage, stagePolicy } from '../testing/stage.ts';
import { Victims } from '../testing/victims.ts';
import { confine } from './confine.ts';
import { startConfined } from './start-confined.ts';

const PROGRAM = new URL('../testing/attempt.ts', import.meta.url).pathname;
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
  const column = new OutcomeColumn('landlock');
  const victims = new Victims();
  let group: Cgroup | undefined;

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
        agentPid: victims.start(),
        siblingPid: victims.start(),
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
    column.take(await runAll(HERE, open), { [folder]: '/stage' });
  }, 480_000);

  afterAll(async () => {
    await victims[Symbol.asyncDispose]();
    group?.kill();
    await group?.waitEmpty(10_000);
    group?.remove();
    const left = probeCgroups(GROUPS);
    if (left.available) left.cgroups.removeFolder();
    rmSync(folder, { recursive: true, force: true });
  });

  test('no attempt counts as stopped because its process had ended before', () => {
    const ended = [...column.outcomes.values()].filter(({ because }) => because === 'the process ended');
    expect(ended.map(({ id }) => id).filter((id) => !id.includes('32-bit'))).toEqual([]);
  });

  test.for(HERE)('$id: $tries', ({ id }, { skip }) => {
    const compared = column.compare(id);
    if (typeof compared === 'string') return skip(compared);
    const { actual, expected } = compared;
    expect(actual?.outcome, JSON.stringify(actual)).toBe(expected?.outcome);
  });
});
