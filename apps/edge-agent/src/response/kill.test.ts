import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readAllStats, readStat } from '../discovery/stat.ts';
import { OUTLIVING_SCRIPT, PYTHON } from '../testing/python.ts';
import { groupsOf } from './agent-groups.ts';
import { endTrees, killTree } from './kill.ts';
import { Protection } from './protected.ts';
import { BUSY_SCRIPT, HOPPING_SCRIPT, Stage, until, withoutRoot } from './spawned.test-support.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

if (withoutRoot !== undefined) console.warn(`kill: ${withoutRoot}`);

const protection = new Protection();

async function errorOf(work: Promise<unknown>): Promise<RaypherError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RaypherError) return error;
  throw new Error('expected a RaypherError', { cause: error });
}

describe.skipIf(withoutRoot !== undefined).each(['cgroup', 'signal'] as const)(
  'killTree through %s',
  (method) => {
    let stage: Stage;
    beforeEach(() => {
      stage = new Stage();
    });
    afterEach(() => stage.end());
    const options = (more: object = {}) => ({
      protection,
      cgroups: method === 'cgroup' ? stage.cgroups() : undefined,
      ...more,
    });

    it('ends a process with children that left their parent', async () => {
      const root = await stage.start(
        'sh',
        ['-c', '(sh -c "sleep 1000 & sleep 1000 & echo orphans" &); sleep 1000 & echo ready; wait'],
        { detached: true },
      );
      const members = () => [...readAllStats().values()].filter(({ session }) => session === root.pid);
      await until('all started', () => members().filter(({ name }) => name === 'sleep').length === 3);

      const report = await killTree(root.pid, options({ startTime: root.startTime }));

      expect(report).toMatchObject({ method, survivors: [], spared: [] });
      expect(report.killed.length).toBeGreaterThanOrEqual(4);
      expect(members().filter(({ state }) => state !== 'Z')).toEqual([]);
    });

    it('ends a tree that forks all the time, as a whole', async () => {
      // Children end and are adopted by process 1 while new ones start; the limit bounds what the test can do.
      const bomb =
        'ulimit -u 150 || exit; boom() { sleep 0.05; boom & boom & }; boom & boom & echo ready; while :; do sleep 1; done';
      const root = await stage.start('bash', ['-c', bomb], {
        detached: true,
        uid: 65534,
        gid: 65534,
        cwd: '/',
      });
      expect(readFileSync(`/proc/${root.pid}/limits`, 'utf8')).toMatch(/Max processes\s+150\s+150/);
      const members = () => [...readAllStats().values()].filter(({ session }) => session === root.pid);
      // Of those that live: whoever collects the ended ones may be late. Between two forks half of them are gone.
      const living = () => members().filter(({ state }) => state !== 'Z');
      await until('dozens of processes', () => living().length > 60);

      const report = await killTree(root.pid, options());

      expect(report.survivors).toEqual([]);
      expect(report.killed.length).toBeGreaterThan(20);
      expect(living()).toEqual([]);
    });

    it('ends what raypher run started, with what left its session', async () => {
      const leaf = stage.cgroups().create('run-1');
      const script = `echo $$ > ${leaf.path}/cgroup.procs; setsid -f sh -c 'setsid -f sleep 1000'; echo ready; while :; do sleep 0.2; done`;
      const root = await stage.start('sh', ['-c', script], { detached: true });
      await until('the daemon runs', () =>
        leaf.pids().some((pid) => readStat(pid)?.name === 'sleep' && readStat(pid)?.ppid !== root.pid),
      );

      const report = await killTree(root.pid, options());

      expect(report.survivors).toEqual([]);
      expect(leaf.pids()).toEqual([]);
    });

    it('ends all in a group of an AI agent, though too quick to be seen', async (context) => {
      if (method === 'signal') return context.skip('signals reach only who is seen');
      const cgroups = stage.cgroups();
      const group = cgroups.create('adopted-0123456789abcdef-1');
      const hopper = await stage.start('sh', [
        '-c',
        `echo $$ > ${group.path}/cgroup.procs; exec "$0" "$1"`,
        PYTHON,
        stage.write('hop.py', HOPPING_SCRIPT),
      ]);
      stage.write('hop', '');
      await once(hopper.child, 'exit');
      const groups = groupsOf('0123456789abcdef0123', cgroups, protection);
      expect(groups.map(({ name }) => name)).toEqual([group.name]);
      // Whoever made the group removes it as soon as nobody is left in it.
      const removed = until('the group is removed', () => group.isEmpty() && group.remove());
      const report = await endTrees([hopper], { protection, cgroups, groups });
      expect(report).toMatchObject({ survivors: [], spared: [] });
      expect(report.killed.length).toBeGreaterThan(0);
      await removed;
    });

    it('leaves the other end of a shell pipeline alone', async () => {
      // The neighbour is of the same process group as the victim, which leads it.
      const shell = await stage.start('bash', ['-c', 'set -m; sleep 1000 | sleep 2000 & echo ready; wait'], {
        detached: true,
      });
      const child = (seconds: string) =>
        [...readAllStats().values()].find(
          (stat) => stat.ppid === shell.pid && commandOf(stat.pid) === `sleep\0${seconds}\0`,
        );
      await until('both run', () => child('1000') !== undefined && child('2000') !== undefined);
      const [victim, other] = [child('1000'), child('2000')];
      if (victim === undefined || other === undefined) throw new Error('unreachable');
      expect(other.pgid).toBe(victim.pid);

      await killTree(victim.pid, options());

      expect(readStat(other.pid)?.startTime).toBe(other.startTime);
      // It runs on: on a busy machine it may still be on its way to sleep.
      await until('the other one sleeps', () => readStat(other.pid)?.state === 'S');
      await killTree(shell.pid, options());
    });

    it('does not touch a process that took over the pid', async () => {
      const victim = await stage.start(process.execPath, [stage.write('main.mjs', BUSY_SCRIPT)]);

      const error = await errorOf(killTree(victim.pid, options({ startTime: victim.startTime - 1 })));

      expect(error.code).toBe('process/gone');
      expect(readStat(victim.pid)?.state).not.toBe('T');
    });

    it('ends a tree that a freeze holds', async () => {
      const root = await stage.start('sh', ['-c', 'sleep 1000 & echo ready; wait'], { detached: true });
      const held = stage.cgroups().create('held-x');
      held.setFrozen(true);
      held.add(root.pid);
      await held.waitFrozen(1000);

      const report = await killTree(root.pid, options());

      expect(report.survivors).toEqual([]);
      expect(report.killed).toHaveLength(2);
    });

    it('ends what goes on without its first thread, and what that started', async () => {
      const script = `import subprocess\nsubprocess.Popen(['sleep', '1000'])\n${OUTLIVING_SCRIPT}`;
      const root = await stage.start(PYTHON, [stage.write('bot.py', script)]);

      const report = await killTree(root.pid, options());

      expect(report.survivors).toEqual([]);
      expect(report.killed.map(({ name }) => name).sort()).toEqual(['python3', 'sleep']);
      await until('it is gone', () => readStat(root.pid) === undefined);
    });

    it('takes the number of a thread for no process', async () => {
      const threaded = await stage.start(process.execPath, [stage.write('main.mjs', BUSY_SCRIPT)]);
      const thread = readdirSync(`/proc/${threaded.pid}/task`)
        .map(Number)
        .find((id) => id !== threaded.pid);

      const error = await errorOf(killTree(thread ?? 0, options()));

      expect(error.code).toBe('process/gone');
      expect(readStat(threaded.pid)?.state).not.toBe('T');
    });

    it('says that a process is gone', async () => {
      expect((await errorOf(killTree(4_194_300, options()))).code).toBe('process/gone');
    });

    it.each([
      ['process 1', () => 1, /starts and supervises/],
      ['a thread of the kernel', () => 2, /thread of the kernel/],
      ['itself', () => process.pid, /Raypher agent itself/],
      ['what started it', () => process.ppid, /was started by it/],
    ])('refuses %s with the reason', async (_, pid, reason) => {
      const error = await errorOf(killTree(pid(), options()));

      expect(error.code).toBe('process/protected');
      expect(error.message).toMatch(reason);
      expect(readStat(pid())).toBeDefined();
    });
  },
);

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}
