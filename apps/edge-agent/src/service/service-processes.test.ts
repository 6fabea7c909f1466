import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActiveFreeze } from '@raypher/shared';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readCgroup } from '../discovery/scan.ts';
import { readStat } from '../discovery/stat.ts';
import { findCgroupMount } from '../response/cgroup.ts';
import { openDatabase } from '../store/database.ts';
import { FrozenTrees } from '../store/frozen-trees.ts';
import { TestService } from '../testing/test-service.ts';

const isRoot = process.getuid?.() === 0;
const children: ChildProcess[] = [];
/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

let agent: TestService;
beforeEach(async () => {
  agent = await TestService.prepare();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await agent.stop();
});

const freezes = (revision: number, list: ActiveFreeze[]) => ({
  kind: 'freeze' as const,
  organisation: agent.plane.organisation,
  revision,
  issuedAt: new Date().toISOString(),
  freezes: list,
});
const freezeOf = (library: string): ActiveFreeze => ({
  id: randomUUID(),
  selector: { kind: 'library', name: library },
  reason: 'test',
  by: 'test',
  since: new Date().toISOString(),
});

/** Other tests of this machine have AI agents too, which a freeze of these must not touch. */
const libraryOfItsOwn = (): string => `stage-${randomUUID()}`;

/** A Node process that is an AI agent by its manifest alone, where it lists a library that makes it one. */
function spawnAgent(...libraries: string[]): { child: ChildProcess; ticks: () => number } {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-agent-'));
  const dependencies = Object.fromEntries(libraries.map((name) => [name, '1.0.0']));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies }));
  writeFileSync(join(folder, 'ticks'), '');
  writeFileSync(
    join(folder, 'agent.mjs'),
    "import { appendFileSync } from 'node:fs';\nsetInterval(() => appendFileSync(new URL('ticks', import.meta.url), '.'), 20);\n",
  );
  const child = spawn(process.execPath, [join(folder, 'agent.mjs')], { stdio: 'ignore' });
  children.push(child);
  return { child, ticks: () => readFileSync(join(folder, 'ticks')).length };
}

/** Until the service has found it: on a busy machine its files can come too late for one look. */
async function discovered({ child }: { child: ChildProcess }): Promise<void> {
  await expect
    .poll(async () => {
      const scanned = await agent.ask({ verb: 'scan' });
      const { agents } = scanned as { agents: { processes: { pid: number }[] }[] };
      return agents.flatMap(({ processes }) => processes.map(({ pid }) => pid));
    })
    .toContain(child.pid);
}

/** Whoever is held stands still a moment later: the kernel lets a system call come to its end. */
function standsStill({ child: { pid = 0 } }: { child: ChildProcess }): boolean {
  if (readStat(pid)?.state === 'T') return true;
  const mount = findCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
  const state = join(mount?.path ?? '', readCgroup(pid), 'cgroup.events');
  return readFileSync(state, 'utf8').includes('frozen 1');
}

test.skipIf(!isRoot)('a freeze holds old and new processes over a restart, and thaws them all', async () => {
  const library = libraryOfItsOwn();
  const first = spawnAgent('together-ai', library);
  await expect.poll(first.ticks).toBeGreaterThan(3);
  await agent.enrol();
  const greeted = agent.plane.hello();
  await agent.start();
  await greeted;
  await discovered(first);
  expect((await agent.plane.deploy(freezes(1, [freezeOf(library)]))).affected).toBeGreaterThanOrEqual(1);
  const stopped = first.ticks();

  const second = spawnAgent('together-ai', library);
  await expect.poll(async () => (await agent.status()).freeze.processes).toBeGreaterThanOrEqual(2);
  await expect.poll(() => standsStill(second)).toBe(true);
  const alsoStopped = second.ticks();
  agent.plane.closeLink();
  await agent.restart();
  await expect.poll(async () => (await agent.status()).freeze.processes).toBeGreaterThanOrEqual(2);
  expect([first.ticks(), second.ticks()]).toEqual([stopped, alsoStopped]);

  const back = agent.plane.hello();
  await agent.plane.openLink();
  await back;
  await agent.plane.deploy(freezes(2, []));
  await expect.poll(first.ticks).toBeGreaterThan(stopped);
  await expect.poll(second.ticks).toBeGreaterThan(alsoStopped);
  expect(await agent.plane.entry('freeze.thawed')).toMatchObject({ severity: 'notice' });
});

test.skipIf(!isRoot)(
  'after another boot, what matches is frozen before the service does anything else',
  async () => {
    await agent.start();
    const library = libraryOfItsOwn();
    const selector = { kind: 'library' as const, name: library };
    await agent.ask({ verb: 'freeze', selector, reason: 'odd', by: 'mallory' });
    await agent.running?.stop();
    const { db } = openDatabase(agent.paths.store);
    const stale = new FrozenTrees(db, () => undefined);
    stale.save({
      id: randomUUID(),
      bootId: 'the boot before',
      target: 'agent:of the boot before',
      label: 'x',
      freezes: [],
      evidence: [],
      sinceMs: 0,
      // Under the pid of then, somebody else lives now: this very process.
      members: [
        { pid: process.pid, startTime: 1, name: 'x', cgroup: '/', method: 'signal', wasStopped: false },
      ],
    });
    db.close();
    const bot = spawnAgent('cohere-ai', library);
    await expect.poll(bot.ticks, { timeout: 20_000 }).toBeGreaterThan(3);

    await agent.start();

    // Nothing is awaited in between: it was frozen when the service answered for the first time.
    const stopped = bot.ticks();
    expect((await agent.status()).freeze).toMatchObject({ processes: 1, active: [{ selector }] });
    expect(bot.ticks()).toBe(stopped);
    await agent.ask({ verb: 'thaw', by: 'mallory' });
    await expect.poll(bot.ticks).toBeGreaterThan(stopped);
  },
);

test.skipIf(!isRoot)('a person at the machine freezes and thaws, and the record names them', async () => {
  const library = libraryOfItsOwn();
  const bot = spawnAgent('cohere-ai', library);
  await expect.poll(bot.ticks).toBeGreaterThan(3);
  await agent.start();
  await discovered(bot);
  const selector = { kind: 'library' as const, name: library };
  await agent.ask({ verb: 'freeze', selector, reason: 'odd', by: 'mallory' });
  const stopped = bot.ticks();
  const entries = await agent.logs();
  expect(entries).toContainEqual(
    expect.objectContaining({
      type: 'freeze.applied',
      actor: expect.objectContaining({ name: 'mallory' }),
    }),
  );
  expect(bot.ticks()).toBe(stopped);
  expect(await agent.ask({ verb: 'thaw', by: 'mallory' })).toMatchObject({ removed: 1 });
  await expect.poll(bot.ticks).toBeGreaterThan(stopped);
  await expect(agent.ask({ verb: 'thaw', id: randomUUID(), by: 'mallory' })).rejects.toMatchObject({
    code: 'request/not-found',
  });
});

test('an order of the control plane names the process as the console shows it', async () => {
  const { child } = spawnAgent('left-pad');
  await agent.join();
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  const { pid } = child;
  const startTime = readStat(pid ?? 0)?.startTime;
  if (pid === undefined || startTime === undefined) throw new Error('the child did not start');
  const order = (time: number) => ({
    kind: 'command' as const,
    id: randomUUID(),
    organisation: agent.plane.organisation,
    device: agent.plane.device,
    verb: 'kill' as const,
    arguments: { pid, startTime: String(time) },
    reason: 'loops',
    issuedAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
  });
  expect(await agent.plane.order(order(startTime - 1))).toMatchObject({ ok: false, code: 'process/gone' });
  expect(await agent.plane.order(order(startTime))).toMatchObject({ ok: true });
  expect(await ended).toBe('SIGKILL');
});

test('the kill order ends a tree and refuses process 1', async () => {
  const { child } = spawnAgent('left-pad');
  await agent.start();
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  const { pid } = child;
  if (pid === undefined) throw new Error('the child did not start');
  await agent.ask({ verb: 'kill', pid, by: 'test' });
  expect(await ended).toBe('SIGKILL');
  await expect(agent.ask({ verb: 'kill', pid: 1, by: 'test' })).rejects.toMatchObject({
    code: 'process/protected',
  });
});
