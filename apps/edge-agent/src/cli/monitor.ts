import type { AiAgent } from '@raypher/shared';
import { Command } from 'commander';
import type { AgentChange } from '../discovery/inventory.ts';
import { Inventory } from '../discovery/inventory.ts';
import { openProcessFeed } from '../discovery/process-feed.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { count, jsonValue, printable } from './output.ts';
import { deviceName } from './scan.ts';

/** All processes are looked at this often: programs load libraries without an event. */
const LOOK_AT_ALL_EVERY_MS = 15_000;

export const monitorCommand = withJson(withGlobalOptions(new Command('monitor')))
  .addHelpText(
    'after',
    `
Needs no service. As root it is told by the kernel what starts and ends; else it looks at all processes again and
again, and those of other users come with confidence low. With --json each line is one object with \`event\`:
watching, appeared, changed or vanished.

Examples:
  sudo raypher monitor
  raypher monitor --json | jq -r 'select(.event == "appeared") | .agent.name'

Exit codes: 0 ended by Ctrl-C, 11 not on this platform.`,
  )
  .action(async (options: GlobalOptions & { json?: boolean }) => {
    const { config, paths } = resolve(options);
    const stop = new AbortController();
    const end = (): void => stop.abort();
    process.once('SIGINT', end).once('SIGTERM', end);
    const show = printer(options.json === true);
    const inventory = new Inventory({ device: deviceName(paths), hashBudgetMs: 10_000 });
    inventory.on('appeared', (agent) => show('appeared', { agent }));
    inventory.on('changed', (agent, changes) => show('changed', { agent, changes }));
    inventory.on('vanished', (agent) => show('vanished', { agent }));
    const feed = openProcessFeed(config.inventoryIntervalMs);
    try {
      await inventory.refresh();
      show('watching', {
        by: feed.way.by,
        reason: feed.way.reason,
        processes: inventory.current.processes.length,
      });
      for (let lookedAtAll = performance.now(); !stop.signal.aborted; ) {
        const dueInMs = lookedAtAll + LOOK_AT_ALL_EVERY_MS - performance.now();
        const news = await feed.next(Math.max(0, Math.min(inventory.dueInMs, dueInMs)), stop.signal);
        if (stop.signal.aborted) break;
        if (news !== 'look at all') await inventory.update(news.events);
        if (news !== 'look at all' && performance.now() < lookedAtAll + LOOK_AT_ALL_EVERY_MS) continue;
        await inventory.refresh();
        lookedAtAll = performance.now();
      }
    } finally {
      feed.close();
      process.off('SIGINT', end).off('SIGTERM', end);
    }
  });

type Shown =
  | { by: string; reason: string; processes: number }
  | { agent: AiAgent; changes?: readonly AgentChange[] };

function printer(json: boolean): (event: string, what: Shown) => void {
  return (event, what) => {
    const at = new Date().toISOString();
    const line = json
      ? JSON.stringify({ event, at, ...what }, jsonValue)
      : `${at.slice(11, 19)}  ${inWords(event, what)}`;
    process.stdout.write(`${line}\n`);
  };
}

function inWords(event: string, what: Shown): string {
  if (!('agent' in what)) {
    const { by, reason, processes } = what;
    return `watching ${count(processes, 'process', 'processes')} by ${by} (${reason}); Ctrl-C ends it`;
  }
  const { agent, changes = [] } = what;
  const pids = agent.processes.map(({ pid }) => pid).join(',');
  const why = event === 'changed' ? changes.join(', ') : agent.evidence.join('; ');
  return printable(`${event.padEnd(8)}  ${agent.risk}  ${agent.name}  ${agent.user}  ${pids}  ${why}`);
}
