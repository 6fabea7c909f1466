import { LedgerEntry } from '@raypher/shared';
import { Command, InvalidArgumentError } from 'commander';
import { askService } from './control-client.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { printable } from './output.ts';

interface LogsOptions extends GlobalOptions {
  lines: number;
  follow: boolean;
}

export const logsCommand = withJson(withGlobalOptions(new Command('logs')))
  .option('-n, --lines <number>', 'how many of the newest entries', parseLines, 20)
  .option('-f, --follow', 'go on with new entries as they are recorded', false)
  .addHelpText(
    'after',
    `
With --json each entry is one line, exactly as it is hashed and sent.

Examples:
  raypher logs -f
  raypher logs -n 500 --json | jq 'select(.verdict.outcome == "DENY")'

Exit codes: 0 done, 2 usage, 3 not permitted, 7 the service is not running.`,
  )
  .action(async (options: LogsOptions) => {
    const { paths } = resolve(options);
    const { lines, follow } = options;
    await askService(paths.control, { verb: 'logs', lines, follow }, (entry) => {
      process.stdout.write(`${options.json === true ? JSON.stringify(entry) : describe(entry)}\n`);
    });
  });

function describe(value: unknown): string {
  const { at, severity, actor, action, target, verdict } = LedgerEntry.parse(value);
  const decision = verdict === undefined ? '' : `  ${verdict.outcome} (${verdict.rule}, ${verdict.mode})`;
  return printable(`${at}  ${severity.padEnd(8)}  ${actor.name}: ${action} ${target}${decision}`);
}

function parseLines(text: string): number {
  const lines = Number(text);
  if (!/^\d+$/.test(text) || lines > 10_000) {
    throw new InvalidArgumentError(
      '-n takes a whole number from 1 to 10000; with -f also 0, for new entries alone.',
    );
  }
  return lines;
}
