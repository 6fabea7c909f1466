import { hostname } from 'node:os';
import { Command } from 'commander';
import { Inventory } from '../discovery/inventory.ts';
import { loadEnrolment } from '../identity/enrolment.ts';
import type { AgentPaths } from '../service/paths.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { count, print, table } from './output.ts';

interface ScanOptions extends GlobalOptions {
  all: boolean;
}

export const scanCommand = withJson(withGlobalOptions(new Command('scan')))
  .option('--all', 'list every process, not only those of AI agents', false)
  .addHelpText(
    'after',
    `
Needs no service and no privileges; processes of other users are then listed with confidence low.

Examples:
  raypher scan
  raypher scan --json | jq '.agents[] | {name, risk, evidence}'
  sudo raypher scan --all

Exit codes: 0 done, 11 not on this platform.`,
  )
  .action(async (options: ScanOptions) => {
    const { paths } = resolve(options);
    const inventory = new Inventory({ device: deviceName(paths), hashBudgetMs: 10_000 });
    const { atMs, processes, agents } = await inventory.refresh();
    const result = { at: new Date(atMs).toISOString(), agents, processes: processes.map(withoutNoise) };
    print(result, options.json === true, () => [
      ...(options.all ? [...processLines(result.processes), ''] : []),
      ...agentLines(agents),
      `${count(processes.length, 'process', 'processes')}, ${count(agents.length, 'AI agent')}.`,
    ]);
  });

/** Ids of AI agents contain the device; without an enrolment, or the right to read it, its host name serves. */
export function deviceName(paths: AgentPaths): string {
  try {
    return loadEnrolment(paths.enrolment)?.device ?? hostname();
  } catch {
    return hostname();
  }
}

type Scanned = Inventory['current'];

function withoutNoise({
  virtualBytes: _virtualBytes,
  image: _image,
  ...process
}: Scanned['processes'][number]) {
  return { ...process, risk: 'none' as const };
}

function agentLines(agents: Scanned['agents']): string[] {
  if (agents.length === 0) return [];
  return [
    ...table(
      ['RISK', 'NAME', 'USER', 'PIDS', 'EVIDENCE'],
      agents.map((agent) => [
        agent.risk,
        agent.name,
        agent.user,
        agent.processes.map(({ pid }) => pid).join(','),
        agent.evidence.join('; '),
      ]),
    ),
    '',
  ];
}

function processLines(processes: readonly ReturnType<typeof withoutNoise>[]): string[] {
  return table(
    ['PID', 'PPID', 'USER', 'CONFIDENCE', 'NAME', 'EXECUTABLE'],
    processes.map(({ pid, ppid, user, confidence, name, exePath }) => [
      String(pid),
      String(ppid),
      user,
      confidence,
      name,
      exePath,
    ]),
  );
}
