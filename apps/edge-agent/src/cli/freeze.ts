import { describeSelector, FreezeSelector, RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { z } from 'zod';
import { askService } from './control-client.ts';
import { type GlobalOptions, operator, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { count, print } from './output.ts';

interface FreezeOptions extends GlobalOptions {
  all?: boolean;
  library?: string;
  model?: string;
  hash?: string;
  reason: string;
}

const FreezeResult = z.object({ id: z.string(), frozen: z.number() });

export const freezeCommand = withJson(withGlobalOptions(new Command('freeze')))
  .option('--all', 'every AI agent')
  .option('--library <name>', 'AI agents that use this package')
  .option('--model <name>', 'AI agents that use this model')
  .option('--hash <sha256>', 'processes with this executable')
  .option('--reason <text>', 'why; kept in the ledger', 'no reason given')
  .addHelpText(
    'after',
    `
Suspended processes keep their memory and go on where they were when they are thawed. A freeze holds over
a restart of the service. Processes this machine needs, and Raypher itself, are never suspended.

Examples:
  raypher freeze --library langchain --reason "incident 42"
  raypher freeze --all
  raypher thaw

Exit codes: 0 done, 2 not one selector, 7 the service is not running.`,
  )
  .action(async (options: FreezeOptions) => {
    const { paths } = resolve(options);
    const selector = readSelector(options);
    const result = FreezeResult.parse(
      await askService(paths.control, { verb: 'freeze', selector, reason: options.reason, by: operator() }),
    );
    print(result, options.json === true, () => [
      `Froze ${describeSelector(selector)}: ${count(result.frozen, 'process', 'processes')} suspended.`,
      `Undo it with \`raypher thaw ${result.id}\`.`,
    ]);
  });

function readSelector({ all, library, model, hash }: FreezeOptions): FreezeSelector {
  const chosen = [
    ...(all === true ? [{ kind: 'all' }] : []),
    ...(library === undefined ? [] : [{ kind: 'library', name: library }]),
    ...(model === undefined ? [] : [{ kind: 'model', name: model }]),
    ...(hash === undefined ? [] : [{ kind: 'hash', sha256: hash.toLowerCase() }]),
  ];
  if (chosen.length !== 1) {
    throw new RaypherError('request/invalid', 'Say what to freeze with exactly one selector.', {
      hint: 'Use --all, --library, --model or --hash; two selectors are two freezes.',
    });
  }
  const checked = FreezeSelector.safeParse(chosen[0]);
  if (checked.success) return checked.data;
  throw new RaypherError(
    'request/invalid',
    `This does not select anything: ${checked.error.issues[0]?.message}.`,
  );
}
