import { randomUUID } from 'node:crypto';
import { appendFileSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActiveFreeze, FreezeSelector } from '@raypher/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inventory } from '../discovery/inventory.ts';
import { readCgroup } from '../discovery/scan.ts';
import { readStat } from '../discovery/stat.ts';
import { OUTLIVING_SCRIPT, PYTHON } from '../testing/python.ts';
import type { Cgroups } from './cgroup.ts';
import { applyUntilFound, ticksOfStopped } from './freeze.test-support.ts';
import { type FreezeReport, Freezer } from './freeze.ts';
import type { FreezeStore, FrozenTree } from './frozen-tree.ts';
import { Protection } from './protected.ts';
import { signalProcess } from './signal.ts';
import {
  BUSY_SCRIPT,
  Stage,
  ticksOf,
  until,
  untilTicksAdvance,
  withoutRoot,
} from './spawned.test-support.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

if (withoutRoot !== undefined) console.warn(`freeze: ${withoutRoot}`);

/** Rows as a database would keep them: copies, by id. */
class Rows implements FreezeStore {
  readonly rows = new Map<string, string>();
  load(): FrozenTree[] {
    return [...this.rows.values()].map((row) => JSON.parse(row));
  }
  save(tree: FrozenTree): void {
    this.rows.set(tree.id, JSON.stringify(tree));
  }
  remove(id: string): void {
    this.rows.delete(id);
  }
}

function freezeOf(selector: FreezeSelector): ActiveFreeze {
  return { id: randomUUID(), selector, reason: 'test', by: 'test', since: '2026-11-20T10:00:00.000Z' };
}

describe.skipIf(withoutRoot !== undefined).each(['cgroup', 'signal'] as const)(
  'Freezer through %s',
  (method) => {
    let stage: Stage;
    let cgroups: Cgroups | undefined;
    let store: Rows;
    let library: string;
    const device = randomUUID();

    beforeEach(() => {
      stage = new Stage();
      cgroups = method === 'cgroup' ? stage.cgroups() : undefined;
      store = new Rows();
      // A name of its own: the test must not touch AI agents that really run on this machine.
      library = `stage-${randomUUID()}`;
    });
    afterEach(() => stage.end());

    function freezer(inventory = new Inventory({ device })): Freezer {
      return new Freezer({ inventory, store, protection: new Protection(), cgroups });
    }

    function ticksAtRest(process: { pid: number }): Promise<number> | number {
      return method === 'signal' ? ticksOfStopped(process) : ticksOf(process);
    }

    function startBot(name = 'bot.mjs', source = BUSY_SCRIPT) {
      stage.write(
        'bot/package.json',
        JSON.stringify({ name: 'bot', dependencies: { langchain: '^1.2', [library]: '1' } }),
      );
      return stage.start(process.execPath, [stage.write(`bot/${name}`, source)]);
    }

    async function startNeighbour() {
      stage.write('plain/package.json', JSON.stringify({ name: 'plain' }));
      return stage.start(process.execPath, [stage.write('plain/main.mjs', BUSY_SCRIPT)]);
    }

    it('suspends what uses a library, leaves the neighbour running, and thaws it', async () => {
      const [bot, neighbour] = [await startBot(), await startNeighbour()];
      const home = readCgroup(bot.pid);
      const subject = freezer();

      const report = await applyUntilFound(subject, [freezeOf({ kind: 'library', name: library })]);

      expect(report).toMatchObject({ frozen: 1, trees: 1, processes: 1, complete: true });
      expect(report.results).toMatchObject([
        { pid: bot.pid, startTime: bot.startTime, outcome: 'frozen', label: 'bot.mjs' },
      ]);
      const frozenAt = await ticksAtRest(bot);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(bot)).toBe(frozenAt);

      expect(await subject.sweep()).toMatchObject({
        frozen: 0,
        thawed: 0,
        processes: 1,
        complete: true,
        results: [],
      });
      expect(await subject.apply([])).toMatchObject({ thawed: 1, trees: 0, processes: 0 });
      await untilTicksAdvance(bot);
      expect(readCgroup(bot.pid)).toBe(home);
      expect(store.rows.size).toBe(0);
    });

    it('suspends the children of an AI agent whatever they are', async () => {
      const bot = await startBot(
        'parent.mjs',
        `import { spawn } from 'node:child_process';
       const child = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
       console.log(child.pid); setInterval(() => {}, 1000);`,
      );
      const child = { pid: Number(bot.firstLine) };
      const neighbour = await startNeighbour();
      const subject = freezer();

      expect(await applyUntilFound(subject, [freezeOf({ kind: 'library', name: library })])).toMatchObject({
        frozen: 2,
      });
      const frozenAt = await ticksAtRest(child);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(child)).toBe(frozenAt);

      await subject.apply([]);
      await untilTicksAdvance(child);
      signalProcess({ pid: child.pid, startTime: readStat(child.pid)?.startTime ?? 0 }, 'SIGKILL');
    });

    it('suspends a tree of 200 in one sweep', async () => {
      const spawn200 = `import { spawn } from 'node:child_process'; import { once } from 'node:events';
        const children = Array.from({ length: 199 }, () => spawn('sleep', ['1000'], { stdio: 'ignore' }));
        await Promise.all(children.map((child) => once(child, 'spawn')));
        console.log('ready'); setInterval(() => {}, 1000);`;
      await startBot('crowd.mjs', spawn200);
      const subject = freezer();

      const report = await applyUntilFound(subject, [freezeOf({ kind: 'library', name: library })]);

      // bench/response.bench.ts says what it takes; this bound is for machines that do much else.
      expect(report).toMatchObject({ frozen: 200, processes: 200, complete: true });
      expect(report.durationMs).toBeLessThan(10_000);
      expect(await subject.apply([])).toMatchObject({ thawed: 200 });
    });

    it('catches a process that starts while the freeze is in force', async () => {
      const inventory = new Inventory({ device });
      const subject = freezer(inventory);
      expect(await subject.apply([freezeOf({ kind: 'library', name: library })])).toMatchObject({
        frozen: 0,
      });
      const [bot, neighbour] = [await startBot(), await startNeighbour()];
      const started = performance.now();

      // As often as it takes until the files that tell it have come, as the service does.
      const sweeps: FreezeReport[] = [];
      await until('it is frozen', async () => {
        await inventory.refresh();
        sweeps.push(await subject.sweep());
        return sweeps.some(({ frozen }) => frozen === 1) && sweeps.at(-1)?.complete === true;
      });

      expect(performance.now() - started).toBeLessThan(15_000);
      const frozenAt = await ticksAtRest(bot);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(bot)).toBe(frozenAt);
      expect(inventory.current.agents.find(({ processes }) => processes[0]?.pid === bot.pid)?.frozen).toBe(
        true,
      );
      await subject.apply([]);
    });

    it('still knows after a restart what it froze, and thaws that', async () => {
      const [bot, neighbour] = [await startBot(), await startNeighbour()];
      const freeze = freezeOf({ kind: 'library', name: library });
      await applyUntilFound(freezer(), [freeze]);

      const restarted = freezer();
      expect(restarted.held).toEqual({ trees: 1, processes: 1 });
      // Nothing is thawed merely because the freezes have not been loaded yet.
      expect(await restarted.sweep()).toMatchObject({ thawed: 0, processes: 1 });
      expect(await restarted.apply([freeze])).toMatchObject({ frozen: 0, thawed: 0, processes: 1 });
      const frozenAt = await ticksAtRest(bot);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(bot)).toBe(frozenAt);

      expect(await freezer().apply([])).toMatchObject({ thawed: 1 });
      await untilTicksAdvance(bot);
    });

    it('holds what a freeze took as long as it is in force, whether or not it is recognised again', async () => {
      const [bot, neighbour] = [await startBot(), await startNeighbour()];
      const freeze = freezeOf({ kind: 'library', name: library });
      await applyUntilFound(freezer(), [freeze]);
      // As a first look after a start can be: executables not hashed yet, files that cannot be read.
      const inventory = new Inventory({ device });
      const blind = {
        refresh: () => inventory.refresh(),
        current: { atMs: 0, processes: [], agents: [] },
        setFrozen: () => undefined,
      };
      const restarted = new Freezer({ inventory: blind, store, protection: new Protection(), cgroups });

      expect(await restarted.apply([freeze])).toMatchObject({ frozen: 0, thawed: 0, processes: 1 });

      const frozenAt = await ticksAtRest(bot);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(bot)).toBe(frozenAt);
      expect(await restarted.apply([freezeOf({ kind: 'all' })])).toMatchObject({ thawed: 1, processes: 0 });
      await untilTicksAdvance(bot);
    });

    it('takes nothing for its own after another boot, and freezes what matches then', async () => {
      const [bot, neighbour] = [await startBot(), await startNeighbour()];
      const freeze = freezeOf({ kind: 'library', name: library });
      const { pid, startTime } = neighbour;
      const member = { pid, startTime, name: 'x', cgroup: '/', method, wasStopped: false };
      store.save({
        id: randomUUID(),
        bootId: 'the boot before',
        target: 'agent:of the boot before',
        label: 'x',
        freezes: [freeze.id],
        evidence: [],
        sinceMs: 0,
        members: [member],
      });

      const restarted = freezer();
      expect(restarted.held).toEqual({ trees: 0, processes: 0 });
      expect(await applyUntilFound(restarted, [freeze])).toMatchObject({
        frozen: 1,
        processes: 1,
        complete: true,
      });

      const frozenAt = await ticksAtRest(bot);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(bot)).toBe(frozenAt);
      expect(store.load().map(({ label }) => label)).toEqual(['bot.mjs']);
      await restarted.apply([]);
    });

    it('forgets stored processes whose pid belongs to another process by now', async () => {
      const neighbour = await startNeighbour();
      const bot = await startBot();
      await applyUntilFound(freezer(), [freezeOf({ kind: 'library', name: library })]);
      const [tree] = store.load();
      if (tree === undefined) throw new Error('nothing stored');
      store.save({
        ...tree,
        members: [
          ...tree.members,
          {
            ...tree.members[0],
            pid: neighbour.pid,
            startTime: 1,
            name: 'x',
            cgroup: '/',
            method: 'signal',
            wasStopped: false,
          },
        ],
      });
      signalProcess(neighbour, 'SIGSTOP');
      await until('the neighbour is stopped', () => readStat(neighbour.pid)?.state === 'T');

      const report = await freezer().apply([]);

      expect(report.results.map(({ pid }) => pid)).toEqual([bot.pid]);
      expect(readStat(neighbour.pid)?.state).toBe('T');
    });

    it('suspends by hash also what is no AI agent', async () => {
      const copy = join(stage.directory, 'tool');
      copyFileSync('/bin/sh', copy);
      appendFileSync(copy, randomUUID());
      const tool = await stage.start(copy, ['-c', 'echo ready; while :; do :; done']);
      const neighbour = await startNeighbour();
      const inventory = new Inventory({ device });
      const sha256 = await hashOf(inventory, tool.pid);
      const subject = freezer(inventory);

      expect(await applyUntilFound(subject, [freezeOf({ kind: 'hash', sha256 })])).toMatchObject({
        frozen: 1,
      });
      const frozenAt = await ticksAtRest(tool);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(tool)).toBe(frozenAt);
      await subject.apply([]);
      await untilTicksAdvance(tool);
    });

    it('suspends and thaws what goes on without its first thread', async () => {
      const copy = join(stage.directory, 'python');
      copyFileSync(PYTHON, copy);
      appendFileSync(copy, randomUUID());
      const bot = await stage.start(copy, [stage.write('bot.py', OUTLIVING_SCRIPT)], {
        env: { PYTHONHOME: '/usr' },
      });
      const neighbour = await startNeighbour();
      const home = readCgroup(bot.pid);
      const inventory = new Inventory({ device });
      const freeze = freezeOf({ kind: 'hash', sha256: await hashOf(inventory, bot.pid) });
      const subject = freezer(inventory);

      expect(await applyUntilFound(subject, [freeze])).toMatchObject({ frozen: 1, complete: true });
      const frozenAt = await ticksAtRest(bot);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(bot)).toBe(frozenAt);

      signalProcess(bot, 'SIGCONT');
      await until('it stands still again', async () => (await subject.sweep()).complete);
      const frozenAgainAt = await ticksAtRest(bot);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(bot)).toBe(frozenAgainAt);

      expect(await subject.apply([])).toMatchObject({ thawed: 1, processes: 0 });
      await untilTicksAdvance(bot);
      expect(readCgroup(bot.pid)).toBe(home);
    });

    it('never suspends itself or what started it, even by the hash of its own executable', async () => {
      const inventory = new Inventory({ device });
      const sha256 = await hashOf(inventory, process.pid);
      const own = new Set(
        inventory.current.processes.filter(({ pid }) => inventory.isOwn(pid)).map(({ pid }) => pid),
      );
      // Only this process is offered, so that no other program of the same runtime on this machine is touched.
      const alone = {
        refresh: () => inventory.refresh(),
        current: {
          ...inventory.current,
          processes: inventory.current.processes.filter(({ pid }) => own.has(pid)),
          agents: [],
        },
        setFrozen: () => undefined,
      };
      const subject = new Freezer({ inventory: alone, store, protection: new Protection(), cgroups });

      const report = await subject.apply([freezeOf({ kind: 'hash', sha256 })]);

      expect(report.frozen).toBe(0);
      expect(report.results).toContainEqual(
        expect.objectContaining({
          pid: process.pid,
          outcome: 'refused',
          detail: 'it is the Raypher agent itself',
        }),
      );
    });

    it('keeps a process suspended while another freeze still wants it', async () => {
      const [bot, neighbour] = [await startBot(), await startNeighbour()];
      const inventory = new Inventory({ device });
      const subject = freezer(inventory);
      const [first, second] = [library, library].map((name) => freezeOf({ kind: 'library', name }));
      if (first === undefined || second === undefined) throw new Error('unreachable');
      await applyUntilFound(subject, [first, second]);

      expect(await subject.apply([second])).toMatchObject({ thawed: 0, processes: 1 });

      const frozenAt = await ticksAtRest(bot);
      await untilTicksAdvance(neighbour);
      expect(ticksOf(bot)).toBe(frozenAt);
      expect(store.load()[0]?.freezes).toEqual([second.id]);
      await subject.apply([]);
    });

    it('suspends again what another process resumed', async () => {
      const bot = await startBot();
      const subject = freezer();
      await applyUntilFound(subject, [freezeOf({ kind: 'library', name: library })]);
      if (method === 'signal') signalProcess(bot, 'SIGCONT');
      else for (const name of cgroups?.list() ?? []) cgroups?.open(name)?.setFrozen(false);
      await untilTicksAdvance(bot, 2);

      await subject.sweep();

      await until('stands still', async () => {
        const before = ticksOf(bot);
        await new Promise((resolve) => setTimeout(resolve, 100));
        return ticksOf(bot) === before;
      });
      await subject.apply([]);
    });
  },
);

/** Executables are hashed in the background; on a busy machine that takes more than one refresh. */
async function hashOf(inventory: Inventory, pid: number): Promise<string> {
  let sha256: string | undefined;
  await until(`the executable of ${pid} is hashed`, async () => {
    sha256 = (await inventory.refresh()).processes.find((process) => process.pid === pid)?.exeSha256;
    return sha256 !== undefined;
  });
  return sha256 ?? '';
}
