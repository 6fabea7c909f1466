import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { AiAgent } from '@raypher/shared';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProcessConnector } from '../native/process-connector.ts';
import { Stage, until } from '../response/spawned.test-support.ts';
import { Inventory } from './inventory.ts';
import { EventFeed, openProcessFeed, type ProcessFeed } from './process-feed.ts';
import { isAlive } from './stat.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const reason = (() => {
  const feed = openProcessFeed(1000);
  feed.close();
  return feed.way.by === 'events' ? undefined : feed.way.reason;
})();
if (reason !== undefined) console.warn(`inventory by events: ${reason}`);

let stage: Stage;
let inventory: Inventory;
let feed: ProcessFeed;
const stop = new AbortController().signal;

beforeEach(async () => {
  stage = new Stage();
  inventory = new Inventory({ device: randomUUID() });
  await inventory.refresh();
});
afterEach(async () => {
  feed.close();
  await stage.end();
});

/** Follows the events until something holds of the inventory. */
async function follow(what: string, holds: () => boolean): Promise<void> {
  await until(what, async () => {
    const news = await feed.next(1000, stop);
    await (news === 'look at all' ? inventory.refresh() : inventory.update(news.events));
    return holds();
  });
}

const STAY = `console.log('ready'); setInterval(() => {}, 1000);`;

it.skipIf(reason !== undefined)(
  'what executes an AI agent is one without a look at all processes',
  async () => {
    feed = new EventFeed(ProcessConnector.open());
    const bystander = await stage.start('sh', ['-c', 'echo ready; exec sleep 1000']);
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
    const bot = await stage.start('sh', [
      '-c',
      `exec "$0" "$1"`,
      process.execPath,
      stage.write('bot.js', STAY),
    ]);

    await follow('the AI agent shows', () => inventory.agentOf(bot) !== undefined);

    expect(inventory.agentOf(bot)).toMatchObject({ name: 'bot.js', libraries: ['langchain'] });
    expect(inventory.agentOf(bystander)).toBeUndefined();
    expect(inventory.assessmentOf(bystander)).toBeDefined();

    const id = inventory.agentOf(bot)?.id;
    // Of those of other tests some may end as well.
    const vanished: AiAgent[] = [];
    inventory.on('vanished', (agent) => vanished.push(agent));
    bot.child.kill('SIGKILL');
    await follow('it is gone', () => inventory.agentOf(bot) === undefined);
    expect(vanished.find((agent) => agent.id === id)).toMatchObject({ name: 'bot.js' });
  },
);

it.skipIf(reason !== undefined)(
  'a process whose parents ended before anybody looked belongs to the AI agent it stems from',
  async () => {
    feed = new EventFeed(ProcessConnector.open());
    stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
    // The shells between them have ended when the line is there.
    const source = `import { spawn } from 'node:child_process';
      process.on('SIGUSR1', () => {
        const shell = spawn('sh', ['-c', '(setsid sleep 1000 >/dev/null 2>&1 & echo $!) &'], { stdio: ['ignore', 'pipe', 'ignore'] });
        let pid = '';
        shell.stdout.on('data', (text) => { pid += text; });
        shell.stdout.on('close', () => console.log(pid.trim()));
      });
      console.log('ready'); setInterval(() => {}, 1000);`;
    const bot = await stage.start(process.execPath, [stage.write('bot.mjs', source)]);
    await follow('the AI agent shows', () => inventory.agentOf(bot) !== undefined);

    bot.child.kill('SIGUSR1');
    const [line] = await once(bot.child.stdout ?? process.stdin, 'data');
    const daemon = Number(String(line));
    await follow('the daemon shows', () => inventory.current.processes.some(({ pid }) => pid === daemon));

    const found = inventory.current.processes.find(({ pid }) => pid === daemon);
    expect(found?.ppid).not.toBe(bot.pid);
    expect(found && inventory.agentOf(found)?.id).toBe(inventory.agentOf(bot)?.id);
    process.kill(daemon, 'SIGKILL');
  },
);

it.skipIf(reason !== undefined)(
  'a burst that does not fit loses nobody: all processes are looked at',
  async () => {
    feed = new EventFeed(ProcessConnector.open(4096));
    const burst = await stage.start('sh', [
      '-c',
      'for i in $(seq 100); do sleep 1000 & done; for i in $(seq 50); do /bin/true; done; echo ready; wait',
    ]);
    const looks: string[] = [];
    const children = () => inventory.current.processes.filter(({ ppid }) => ppid === burst.pid);
    await until('all of the burst show', async () => {
      const news = await feed.next(1000, stop);
      looks.push(news === 'look at all' ? news : 'events');
      await (news === 'look at all' ? inventory.refresh() : inventory.update(news.events));
      return children().length === 100;
    });
    expect(looks).toContain('look at all');
    expect(children().every(isAlive)).toBe(true);
  },
);

it.skipIf(reason !== undefined)('by events the inventory comes to the same as by a look at all', async () => {
  feed = new EventFeed(ProcessConnector.open());
  const burst = await stage.start('sh', [
    '-c',
    'for i in $(seq 60); do (sleep 0.01; exec sleep 1000) & done; for i in $(seq 100); do /bin/true; done; echo ready; wait',
  ]);
  const ours = (current = inventory.current) =>
    current.processes
      .filter(({ ppid, state }) => ppid === burst.pid && state !== 'Z')
      .map(({ pid, ppid, name, exePath, argv }) => ({ pid, ppid, name, exePath, argv }));
  // One that was read while it executed its program has the name of the shell until its event is read.
  await follow(
    'all 60 sleep',
    () => ours().filter(({ argv, name }) => argv[1] === '1000' && name === 'sleep').length === 60,
  );
  const byEvents = ours();
  await inventory.refresh();
  expect(byEvents).toEqual(ours());
});

it.skipIf(reason !== undefined)(
  'who waits for news is told of nothing when the time is over, or at the end',
  async () => {
    feed = new EventFeed(ProcessConnector.open());
    const end = new AbortController();
    const waiting = feed.next(60_000, end.signal);
    end.abort();
    expect(await waiting).toEqual({ events: [] });
  },
);

it('what could not be read in time is read later, with no further exec', async () => {
  feed = openProcessFeed(1000);
  inventory = new Inventory({ device: randomUUID(), hashBudgetMs: 1 });
  stage.write('package.json', JSON.stringify({ dependencies: { langchain: '1' } }));
  const bot = await stage.start(process.execPath, [stage.write('bot.js', STAY)]);
  // All threads that read files wait for a writer.
  const pipe = join(stage.directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const readers = Array.from({ length: 16 }, () => open(pipe));
  await inventory.refresh();
  expect(inventory.assessmentOf(bot)).toMatchObject({ isLate: true });
  expect(inventory.agentOf(bot)).toBeUndefined();

  const writer = openSync(pipe, constants.O_RDWR);
  for (const reader of await Promise.all(readers)) await reader.close();
  closeSync(writer);
  await until('the AI agent shows', async () => {
    await inventory.refresh();
    return inventory.agentOf(bot) !== undefined;
  });
});
