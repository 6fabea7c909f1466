import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { z } from 'zod';
import { askService } from './control-client.ts';
import { type GlobalOptions, operator, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { refuseUnknown } from './help-command.ts';
import { print, printable, table } from './output.ts';

const Open = z.array(
  z.object({
    id: z.string(),
    openedAt: z.number(),
    kind: z.enum(['request', 'tunnel', 'websocket']),
    process: z.object({ pid: z.number(), startTime: z.number() }).optional(),
    agent: z.object({ id: z.string(), name: z.string(), user: z.string() }).optional(),
    host: z.string(),
    port: z.number(),
    method: z.string(),
    path: z.string(),
    provider: z.string().optional(),
    model: z.string().optional(),
    outcome: z.string(),
    rule: z.object({ layer: z.string(), id: z.string(), revision: z.number() }),
    bytesSent: z.number(),
    bytesReceived: z.number(),
    costMicros: z.number().optional(),
    costEstimated: z.boolean(),
    asked: z.string(),
    answered: z.string(),
  }),
);
type Open = z.infer<typeof Open>;

const Cut = z.object({ host: z.string(), agent: z.string(), bytesReceived: z.number() });

interface ListOptions extends GlobalOptions {
  watch: boolean;
}

interface CutOptions extends GlobalOptions {
  reason?: string;
}

const WATCH_EVERY_MS = 1_000;
/** What erases a terminal and goes to its top. */
const CLEAR = '\u001b[2J\u001b[H';

const EXAMPLES = `
What is asked and answered is shown masked, and only its beginning. Nothing of it is stored.

Examples:
  raypher connections --watch
  raypher connections --json | jq '.[].host'
  raypher connections cut 3f2a --reason "wrong database"

Exit codes: 0 done, 3 not permitted, 4 no such connection, 7 the service is not running.`;

const list = withJson(withGlobalOptions(new Command('list')))
  .description('show what goes through the proxy now')
  .option('-w, --watch', 'again every second, until Ctrl-C', false)
  .addHelpText('after', EXAMPLES)
  .action(async (options: ListOptions) => {
    const { paths } = resolve(options);
    const show = async (): Promise<void> => {
      const open = Open.parse(await askService(paths.control, { verb: 'connections' }));
      if (options.watch && options.json !== true && process.stdout.isTTY) process.stdout.write(CLEAR);
      print(open, options.json === true, () => lines(open, Date.now()));
    };
    await show();
    if (!options.watch) return;
    for (;;) {
      await new Promise((resume) => setTimeout(resume, WATCH_EVERY_MS));
      await show();
    }
  });

const cut = withJson(withGlobalOptions(new Command('cut')))
  .description('end one connection; the AI agent goes on')
  .argument('<id>', 'the connection, or the beginning of its id')
  .option('--reason <text>', 'why; kept in the ledger')
  .addHelpText('after', EXAMPLES)
  .action(async (given: string, options: CutOptions) => {
    const { paths } = resolve(options);
    const open = Open.parse(await askService(paths.control, { verb: 'connections' }));
    const result = Cut.parse(
      await askService(paths.control, {
        verb: 'cut-connection',
        connection: idFrom(given, open),
        reason: options.reason ?? '',
        by: operator(),
      }),
    );
    print(result, options.json === true, () => [
      `Ended the connection to ${printable(result.host)} after ${bytes(result.bytesReceived)}.`,
    ]);
  });

export const connectionsCommand = refuseUnknown(new Command('connections'))
  .addCommand(list, { isDefault: true })
  .addCommand(cut)
  .addHelpText('after', EXAMPLES);

function idFrom(given: string, open: Open): string {
  if (z.uuid().safeParse(given).success) return given;
  const found = open.filter(({ id }) => given.length >= 4 && id.startsWith(given.toLowerCase()));
  const [one, ...others] = found;
  if (one !== undefined && others.length === 0) return one.id;
  throw new RaypherError(
    'connection/unknown',
    one === undefined
      ? `No open connection begins with ${printable(given)}.`
      : `${found.length} connections begin with ${printable(given)}.`,
    { hint: 'See `raypher connections`; at least 4 characters of an id are needed.' },
  );
}

function lines(open: Open, now: number): string[] {
  if (open.length === 0) return ['Nothing goes through the proxy right now.'];
  return table(
    ['ID', 'AGE', 'AI AGENT', 'TO', 'MODEL', 'VERDICT', 'UP', 'DOWN', 'COST', 'ASKED'],
    open.map((one) => [
      one.id.slice(0, 8),
      `${Math.max(0, Math.round((now - one.openedAt) / 1000))} s`,
      one.agent?.name ?? (one.process === undefined ? 'unknown process' : `process ${one.process.pid}`),
      one.kind === 'tunnel' ? `${one.host}:${one.port}` : `${one.host}${one.path}`,
      one.model ?? '',
      one.outcome,
      bytes(one.bytesSent),
      bytes(one.bytesReceived),
      cost(one),
      one.asked.slice(0, 60),
    ]),
  );
}

function cost({ costMicros, costEstimated }: Open[number]): string {
  if (costMicros === undefined) return '';
  return `$${(costMicros / 1e6).toFixed(6)}${costEstimated ? ' est.' : ''}`;
}

function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  return count < 1024 * 1024 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 1024 / 1024).toFixed(1)} MiB`;
}
