/**
 * What it costs to watch the processes of a machine: 300 that have just started and load what they need, then the same
 * when they do nothing any more, by events of the kernel and, in turns, by looking at all of them every 750 ms; 500 that start and end at once; and how soon an AI agent is found.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Inventory } from '../apps/edge-agent/src/discovery/inventory.ts';
import {
  openProcessFeed,
  PollingFeed,
  type ProcessFeed,
} from '../apps/edge-agent/src/discovery/process-feed.ts';
import type { ProcessEvent } from '../apps/edge-agent/src/native/process-connector.ts';
import { Freezer } from '../apps/edge-agent/src/response/freeze.ts';
import { Protection } from '../apps/edge-agent/src/response/protected.ts';
import { FreezeEnforcer } from '../apps/edge-agent/src/service/freeze-enforcer.ts';
import { startWatch } from '../apps/edge-agent/src/service/watch.ts';
import { AiAgentSightings } from '../apps/edge-agent/src/store/ai-agents.ts';
import { openDatabase } from '../apps/edge-agent/src/store/database.ts';
import { FrozenTrees } from '../apps/edge-agent/src/store/frozen-trees.ts';
import { LocalFreezes } from '../apps/edge-agent/src/store/local-freezes.ts';
import { median, percentile, printResult, printTable } from './lib/report.ts';

/** `--seconds N`: of watching idle processes by events. */
const { values } = parseArgs({ options: { seconds: { type: 'string' }, json: { type: 'boolean' } } });
const seconds = Number(values.seconds ?? 60);
if (!(seconds > 0)) throw new RangeError('--seconds takes a number above 0.');
const IDLE = 300;
const SHORT = 500;
const FOUND = 20;
const ROUNDS = 3;
/** Then programs are no longer looked at one by one, and what is measured is a machine where nobody does anything. */
const YOUNG_SECONDS = 30;
const INTERVAL_MS = 750;
/** In a second: as on a machine where nobody does anything. */
const QUIET_EVENTS = 2;

const fail = (error: unknown): never => {
  throw error;
};
const directory = mkdtempSync(join(tmpdir(), 'raypher-bench-'));
const { db } = openDatabase(join(directory, 'store/agent.db'));
const inventory = new Inventory({ device: 'bench' });
const freezer = new Freezer({
  inventory,
  store: new FrozenTrees(db, fail),
  protection: new Protection({ isOwn: (pid) => inventory.isOwn(pid) }),
  cgroups: undefined,
});
const freeze = new FreezeEnforcer(freezer, new LocalFreezes(db), () => {});

/** The loop of the service, while `work` runs. */
async function watching(feed: ProcessFeed, work: () => Promise<void>): Promise<void> {
  const stop = startWatch(
    {
      inventory,
      freeze,
      sightings: new AiAgentSightings(db),
      record: () => {},
      publish: () => {},
      intervalMs: INTERVAL_MS,
      openFeed: () => feed,
    },
    fail,
  );
  // The first look, with whatever has to be hashed.
  await delay(2000);
  await work();
  await stop();
}

const seen: ProcessEvent[] = [];
function openFeed(): ProcessFeed {
  const feed = openProcessFeed(INTERVAL_MS);
  if (feed.way.by === 'polling') throw new Error(`Nothing to measure: ${feed.way.reason}`);
  return {
    way: feed.way,
    next: async (withinMs, stop) => {
      const news = await feed.next(withinMs, stop);
      if (news !== 'look at all') for (const event of news.events) seen.push(event);
      return news;
    },
    close: () => feed.close(),
  };
}

/** One second of watching. */
interface Second {
  cpuPercent: number;
  /** That others on this machine caused. */
  events: number;
}

/** How much of one core this process uses while nothing is asked of it. */
async function idleSeconds(feed: ProcessFeed, forMs: number): Promise<Second[]> {
  const result: Second[] = [];
  await watching(feed, async () => {
    for (const endAt = performance.now() + forMs; performance.now() < endAt; ) {
      const [before, startedAt, events] = [process.cpuUsage(), performance.now(), seen.length];
      await delay(1000);
      const { user, system } = process.cpuUsage(before);
      const cpuPercent = (user + system) / 10 / (performance.now() - startedAt);
      result.push({ cpuPercent, events: seen.length - events });
    }
  });
  return result;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

mkdirSync(join(directory, 'bot'));
writeFileSync(
  join(directory, 'bot/package.json'),
  JSON.stringify({ name: 'bot', dependencies: { langchain: '1' } }),
);
function startBot(name: string) {
  const script = join(directory, 'bot', `${name}.mjs`);
  writeFileSync(script, 'setInterval(() => {}, 1 << 30);');
  return spawn(process.execPath, [script], { stdio: 'ignore' });
}

const idlers = spawn('sh', ['-c', `for i in $(seq ${IDLE}); do sleep 100000 & done; wait`], {
  stdio: 'ignore',
  detached: true,
});
const bots = ['first', 'second'].map(startBot);
const young: Second[] = [];
const events: Second[] = [];
const polling: Second[] = [];
const latencies: number[] = [];
let burst = { perSecond: 0, missed: 0, cpuPercent: 0 };
try {
  await watching(openFeed(), () => delay(3000));
  young.push(...(await idleSeconds(openFeed(), YOUNG_SECONDS * 1000)));
  const roundMs = (seconds * 1000) / ROUNDS;
  for (let round = 0; round < ROUNDS; round += 1) {
    events.push(...(await idleSeconds(openFeed(), roundMs)));
    polling.push(...(await idleSeconds(new PollingFeed(INTERVAL_MS, 'measured'), roundMs / 2)));
  }

  await watching(openFeed(), async () => {
    seen.length = 0;
    const [before, startedAt] = [process.cpuUsage(), performance.now()];
    const shell = spawn('sh', ['-c', `for i in $(seq ${SHORT}); do /bin/true; done`], { stdio: 'ignore' });
    await once(shell, 'exit');
    const tookMs = performance.now() - startedAt;
    while (!seen.some(({ kind, pid }) => kind === 'exit' && pid === shell.pid)) await delay(20);
    const { user, system } = process.cpuUsage(before);
    const forked = new Set(
      seen.flatMap((event) => (event.kind === 'fork' && event.parent === shell.pid ? [event.pid] : [])),
    );
    const executed = new Set(
      seen.flatMap(({ kind, pid }) => (kind === 'exec' && forked.has(pid) ? [pid] : [])),
    );
    burst = {
      perSecond: (seen.length * 1000) / tookMs,
      // The shell starts `seq` as well.
      missed: SHORT + 1 - executed.size,
      cpuPercent: (user + system) / 10 / tookMs,
    };
  });

  await watching(openFeed(), async () => {
    for (let round = 0; round < FOUND; round += 1) {
      const appeared: Promise<unknown> = once(inventory, 'appeared');
      const startedAt = performance.now();
      const bot = startBot(`found-${round}`);
      await appeared;
      latencies.push(performance.now() - startedAt);
      bot.kill('SIGKILL');
      await once(inventory, 'vanished');
    }
  });
} finally {
  if (idlers.pid !== undefined) process.kill(-idlers.pid, 'SIGKILL');
  for (const bot of bots) bot.kill('SIGKILL');
  db.close();
  rmSync(directory, { recursive: true, force: true });
}

// Where others start processes meanwhile, only the seconds without them show an idle machine.
const quiet = events.filter((second) => second.events <= QUIET_EVENTS);
const share = (all: readonly Second[]): number[] => all.map(({ cpuPercent }) => cpuPercent);
const idle = quiet.length > 0 ? mean(share(quiet)) : mean(share(events));
const others = mean(events.map((second) => second.events));
const spread = (all: readonly Second[]) => [
  mean(share(all)),
  median(share(all)),
  percentile(share(all), 0.95),
  all.length,
];
printTable(
  [`${IDLE} idle processes, in turns`, 'mean % of a core', 'p50', 'p95', 'seconds'],
  [
    [`by events, in their first ${YOUNG_SECONDS} s`, ...spread(young)],
    ['by events, later', ...spread(events)],
    ...(quiet.length > 0
      ? [[`by events, later, seconds with at most ${QUIET_EVENTS} events`, ...spread(quiet)]]
      : []),
    ['looked at every 750 ms', ...spread(polling)],
  ],
);
console.log(`
  Others on this machine caused ${others.toFixed(1)} events a second meanwhile${quiet.length > 0 ? '' : ': no second of it was idle'}.
`);
printTable(
  [`${SHORT} short processes`, ''],
  [
    ['events handled per second', burst.perSecond],
    ['processes missed', burst.missed],
    ['% of a core', burst.cpuPercent],
  ],
);
printTable(
  ['from starting an AI agent until it is found', 'p50 ms', 'p99 ms'],
  [['by events', percentile(latencies, 0.5), percentile(latencies, 0.99)]],
);
printResult({
  bench: 'watchtower',
  figures: {
    idle_processes: IDLE,
    idle_cpu_percent: idle,
    idle_seconds: quiet.length,
    young_cpu_percent: mean(share(young)),
    watching_cpu_percent: mean(share(events)),
    others_events_per_second: others,
    polling_cpu_percent: mean(share(polling)),
    burst_events_per_second: burst.perSecond,
    burst_missed: burst.missed,
    burst_cpu_percent: burst.cpuPercent,
    found_p50_ms: percentile(latencies, 0.5),
    found_p99_ms: percentile(latencies, 0.99),
  },
  ratios: { idle_cpu_vs_polling: idle / mean(share(polling)) },
});
