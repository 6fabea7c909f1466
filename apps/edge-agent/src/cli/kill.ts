import { Command } from 'commander';
import { z } from 'zod';
import { askService } from './control-client.ts';
import {
  type GlobalOptions,
  operator,
  parsePid,
  resolve,
  withGlobalOptions,
  withJson,
} from './global-options.ts';
import { count, print, printable } from './output.ts';

const KillResult = z.object({
  killed: z.number(),
  survivors: z.number(),
  severed: z.number(),
  notSevered: z.array(z.string()),
  durationMs: z.number(),
});

export const killCommand = withJson(withGlobalOptions(new Command('kill')))
  .argument('<pid>', 'process id', parsePid)
  .addHelpText(
    'after',
    `
The whole tree is suspended first, then its TCP connections are reset, then it is ended from the leaves, so
that nothing can fork away and nothing more is sent. Process 1, the kernel's threads, programs this machine needs and Raypher itself are refused.

Examples:
  raypher kill 4711

Exit codes: 0 ended, 4 no such process, 7 the service is not running, 10 protected.`,
  )
  .action(async (pid: number, options: GlobalOptions) => {
    const { paths } = resolve(options);
    const result = KillResult.parse(await askService(paths.control, { verb: 'kill', pid, by: operator() }));
    print(result, options.json === true, () => [
      `Ended ${count(result.killed, 'process', 'processes')} in ${Math.round(result.durationMs)} ms.`,
      ...describeSevered(result),
    ]);
  });

/** What happened to the connections, for people. */
export function describeSevered({
  severed,
  notSevered,
}: {
  severed: number;
  notSevered: string[];
}): string[] {
  return [
    ...(severed === 0 && notSevered.length > 0 ? [] : [`Reset ${count(severed, 'TCP connection')}.`]),
    ...notSevered.map((reason) => `Connections were not reset: ${printable(reason)}`),
  ];
}
