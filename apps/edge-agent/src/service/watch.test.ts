import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ActiveFreeze } from '@raypher/shared';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Inventory } from '../discovery/inventory.ts';
import type { WatchWay } from '../discovery/process-feed.ts';
import { readCgroup } from '../discovery/scan.ts';
import { readStat } from '../discovery/stat.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { ProcessConnector } from '../native/process-connector.ts';
import { Freezer } from '../response/freeze.ts';
import { Protection } from '../response/protected.ts';
import { BUSY_SCRIPT, Stage, until, withoutRoot } from '../response/spawned.test-support.ts';
import { AiAgentSightings } from '../store/ai-agents.ts';
import { openDatabase } from '../store/database.ts';
import { FrozenTrees } from '../store/frozen-trees.ts';
import { LocalFreezes } from '../store/local-freezes.ts';
import { FreezeEnforcer } from './freeze-enforcer.ts';
import { startWatch } from './watch.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const reason = (() => {
  try {
    ProcessConnector.open().close();
    return withoutRoot;
  } catch (error) {
    return String(error);
  }
})();
if (reason !== undefined) console.warn(`watch by events: ${reason}`);

const fail = (error: unknown) => {
  throw error;
};

let stage: Stage;
let library: string;
let inventory: Inventory;
let freezer: Freezer;
let events: EventDraft[];
let ways: WatchWay[];
let stop: () => Promise<void>;
let db: ReturnType<typeof openDatabase>['db'];

beforeEach(() => {
  stage = new Stage();
  library = `stage-${randomUUID()}`;
  ({ db } = openDatabase(join(stage.directory, 'store/agent.db')));
  inventory = new Inventory({ device: randomUUID() });
  freezer = new Freezer({
    inventory,
    store: new FrozenTrees(db, fail),
    protection: new Protection(),
    cgroups: stage.cgroups(),
  });
  events = [];
  ways = [];
  stop = startWatch(
    {
      inventory,
      freeze: new FreezeEnforcer(freezer, new LocalFreezes(db), (event) => events.push(event)),
      sightings: new AiAgentSightings(db),
      record: (event) => events.push(event),
      publish: () => {},
      // Whoever waits for the clock fails here.
      intervalMs: 3_600_000,
      watching: (way) => ways.push(way),
    },
    fail,
  );
});
afterEach(async () => {
  await stop();
  await stage.end();
  db.close();
});

const startBot = () => {
  stage.write('bot/package.json', JSON.stringify({ dependencies: { langchain: '1', [library]: '1' } }));
  return stage.start(process.execPath, [stage.write('bot/bot.mjs', BUSY_SCRIPT)]);
};

it.skipIf(reason !== undefined)(
  'an AI agent that starts under a freeze is frozen when it starts',
  async () => {
    await until('the first look is over', () => inventory.current.processes.length > 0);
    const freeze: ActiveFreeze = {
      id: randomUUID(),
      selector: { kind: 'library', name: library },
      reason: '',
      by: '',
      since: '2026-11-20T10:00:00.000Z',
    };
    await freezer.apply([freeze]);

    const bot = await startBot();
    await until('it stands still', () => /\/held-/.test(readCgroup(bot.pid)));

    expect(ways).toMatchObject([{ by: 'events' }]);
    expect(events.map(({ type }) => type)).toContain('discovery.appeared');
    await freezer.apply([]);
    expect(readCgroup(bot.pid)).not.toMatch(/\/held-/);
    expect(readStat(bot.pid)).toBeDefined();
  },
);

it.skipIf(reason !== undefined)('what comes and goes is recorded without the clock', async () => {
  await until('the first look is over', () => inventory.current.processes.length > 0);
  const bot = await startBot();
  const of = (type: string) =>
    events.filter(
      ({ type: its, data }) => its === type && String(data.pids).split(',').includes(String(bot.pid)),
    );
  await until('it is recorded', () => of('discovery.appeared').length === 1);
  bot.child.kill('SIGKILL');
  await until('its end is recorded', () => of('discovery.vanished').length === 1);
});
