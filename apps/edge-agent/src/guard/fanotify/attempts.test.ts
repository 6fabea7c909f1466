import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PermissionQueue } from '../../native/fanotify.ts';
import { type Cgroup, type Cgroups, probeCgroups } from '../../response/cgroup.ts';
import { AttemptRunner } from '../testing/attempt-runner.ts';
import { ATTEMPTS } from '../testing/attempts.ts';
import { OutcomeColumn } from '../testing/outcome-column.ts';
import { runAll } from '../testing/run-all.ts';
import { makeStageFiles, type Stage, stagePolicy } from '../testing/stage.ts';
import { Victims } from '../testing/victims.ts';
import { FanotifyBackEnd } from './fanotify-back-end.ts';

const PROGRAM = new URL('../testing/attempt.ts', import.meta.url).pathname;
/** What it is there for: the rest is for others, and some of it would change this machine. */
const HERE = ATTEMPTS.filter(
  ({ dangerous, stoppedBy }) =>
    dangerous !== true && (stoppedBy === 'kernel.files' || stoppedBy === 'kernel.programs'),
);
const GROUPS = `raypher-fanotify-attempts-${process.pid}`;
const available = probeCgroups(GROUPS);

const missing = ((): string | undefined => {
  if (process.arch !== 'x64' || process.getuid?.() !== 0) return 'needs root on x64';
  if (!available.available) return available.reason;
  try {
    using _queue = new PermissionQueue();
    return undefined;
  } catch (error) {
    return String(error);
  }
})();

describe.skipIf(missing !== undefined)(`escape attempts under fanotify (${missing ?? 'here'})`, () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-fanotify-attempts-')));
  const column = new OutcomeColumn('fanotify');
  const victims = new Victims();
  let cgroups: Cgroups;
  let group: Cgroup;
  let backEnd: FanotifyBackEnd;

  beforeAll(async () => {
    if (!available.available) throw new Error(available.reason);
    cgroups = available.cgroups;
    group = cgroups.create('adopted-attempts');
    const files = makeStageFiles(folder);
    // The helper knows programs by name in the folders of its PATH; the forbidden shell lies in one, as shells do.
    const before = process.env.PATH;
    process.env.PATH = `${before}:${dirname(files.shell)}`;
    backEnd = new FanotifyBackEnd(cgroups);
    await backEnd.start({ denied: () => {}, lost: () => {} });
    process.env.PATH = before;
    const stage: Stage = {
      ...files,
      agentPid: victims.start(),
      siblingPid: victims.start(),
      cgroupRoot: dirname(cgroups.folder),
      cgroup: group.path,
    };
    const enter = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"';
    const open = (): AttemptRunner =>
      new AttemptRunner({
        stage,
        // What the attempt before replaced, it looks for every few seconds: here before each.
        received: async () => {
          await backEnd.apply(group.name, stagePolicy(files));
          return '';
        },
        start: () =>
          spawn('/bin/sh', ['-c', enter, 'sh', group.path, process.execPath, PROGRAM], {
            stdio: ['pipe', 'pipe', 'inherit'],
          }),
      });
    column.take(await runAll(HERE, open), { [folder]: '/stage' });
  }, 480_000);

  afterAll(async () => {
    await victims[Symbol.asyncDispose]();
    await backEnd.remove();
    group.kill();
    await group.waitEmpty(10_000);
    group.remove();
    cgroups.removeFolder();
    rmSync(folder, { recursive: true, force: true });
  });

  test.for(HERE)('$id: $tries', ({ id }, { skip }) => {
    const compared = column.compare(id);
    if (typeof compared === 'string') return skip(compared);
    const { actual, expected } = compared;
    expect(actual?.outcome, JSON.stringify(actual)).toBe(expected?.outcome);
  });
});
