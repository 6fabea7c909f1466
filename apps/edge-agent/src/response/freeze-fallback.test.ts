import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Inventory } from '../discovery/inventory.ts';
import { readStat } from '../discovery/stat.ts';
import { openDatabase } from '../store/database.ts';
import { FrozenTrees } from '../store/frozen-trees.ts';
import { Cgroups } from './cgroup.ts';
import { applyUntilFound } from './freeze.test-support.ts';
import { Freezer } from './freeze.ts';
import { Protection } from './protected.ts';
import { BUSY_SCRIPT, Stage, until, withoutRoot } from './spawned.test-support.ts';

vi.setConfig({ testTimeout: 60_000 });

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

it.skipIf(withoutRoot !== undefined)(
  'when control groups stop working, processes are stopped by signal, and a killed agent still knows how to thaw them',
  async () => {
    // Folders cannot be made below a file.
    const broken = new Cgroups({ path: stage.write('not-a-folder', ''), root: '/' }, 'raypher');
    const { db } = openDatabase(`${stage.directory}/store/agent.db`);
    const store = new FrozenTrees(db, (error) => {
      throw error;
    });
    const library = `stage-${randomUUID()}`;
    stage.write('bot/package.json', JSON.stringify({ dependencies: { langchain: '1', [library]: '1' } }));
    const bot = await stage.start(process.execPath, [stage.write('bot/bot.mjs', BUSY_SCRIPT)]);
    const freezer = () =>
      new Freezer({
        inventory: new Inventory({ device: 'd' }),
        store,
        protection: new Protection(),
        cgroups: broken,
      });

    const selector = { kind: 'library' as const, name: library };
    const since = '2026-11-20T10:00:00.000Z';
    const freeze = { id: randomUUID(), selector, reason: '', by: '', since };
    const report = await applyUntilFound(freezer(), [freeze]);
    expect(report).toMatchObject({ complete: true, frozen: 1 });
    expect(readStat(bot.pid)?.state).toBe('T');

    // As after SIGKILL: nothing but the store is left of the first one.
    await freezer().apply([]);
    await until('it runs again', () => readStat(bot.pid)?.state !== 'T');
    db.close();
  },
);
