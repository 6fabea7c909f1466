import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { z } from 'zod';
import type { PanicTarget } from '../panic/panic-intent.ts';
import { askService } from './control-client.ts';
import {
  type GlobalOptions,
  operator,
  parsePid,
  resolve,
  withGlobalOptions,
  withJson,
} from './global-options.ts';
import { describeSevered } from './kill.ts';
import { count, print, printable } from './output.ts';

interface PanicOptions extends GlobalOptions {
  agent?: string;
  all?: boolean;
  reason?: string;
  hold?: boolean;
  memory?: boolean;
}

const PanicResult = z.object({
  id: z.string(),
  label: z.string(),
  processes: z.number(),
  hold: z.boolean(),
  snapshot: z
    .object({
      file: z.string(),
      sha256: z.string(),
      bytes: z.number(),
      keyId: z.string(),
      recipient: z.enum(['organisation', 'machine']),
    })
    .nullable(),
  snapshotFault: z.string().nullable(),
  severed: z.number(),
  notSevered: z.array(z.string()),
  spared: z.array(z.object({ pid: z.number(), name: z.string(), reason: z.string() })),
  survivors: z.array(z.object({ pid: z.number() })),
  suspendedMs: z.number(),
  durationMs: z.number(),
});
type PanicResult = z.infer<typeof PanicResult>;

export const panicCommand = withJson(withGlobalOptions(new Command('panic')))
  .argument('[pid]', 'a process, with everything that stems from it', parsePid)
  .option('--agent <id>', 'an AI agent, by its name or the beginning of its id')
  .option('--all', 'every AI agent on this machine')
  .requiredOption('--reason <text>', 'why; kept in the ledger')
  .option('--hold', 'keep it frozen instead of ending it; `raypher thaw` lets it go on')
  .option('--memory', 'dump its memory into the snapshot as well: whatever secrets it held are in there')
  .addHelpText(
    'after',
    `
The order is: freeze, snapshot, reset its TCP connections, end it from the leaves. The snapshot holds the last
minute of the ledger, the process tree, command lines, open files, sockets, names of environment variables and
what was open through the proxy. It is encrypted to the organisation's forensic key; on a machine without one,
to a key in the data folder. \`raypher forensics open\` decrypts it.

Examples:
  raypher panic --agent bot.py --reason "sends files to a stranger"
  raypher panic 4711 --reason "incident 42" --memory
  raypher panic --all --hold --reason "incident 42"

Exit codes: 0 stopped, 2 not one target, 3 processes survived, 4 no such AI agent or process, 7 the service is
not running, 10 protected.`,
  )
  .action(async (pid: number | undefined, options: PanicOptions) => {
    const { paths } = resolve(options);
    const result = PanicResult.parse(
      await askService(paths.control, {
        verb: 'panic',
        target: readTarget(pid, options),
        hold: options.hold === true,
        memory: options.memory === true,
        reason: options.reason ?? '',
        by: operator(),
      }),
    );
    print(result, options.json === true, () => describe(result));
    if (result.survivors.length > 0) {
      throw new RaypherError('process/permission', `${result.survivors.length} processes survived.`);
    }
  });

function readTarget(pid: number | undefined, { agent, all }: PanicOptions): PanicTarget {
  const chosen: PanicTarget[] = [
    ...(pid === undefined ? [] : [{ kind: 'process' as const, pid }]),
    ...(agent === undefined ? [] : [{ kind: 'agent' as const, agent }]),
    ...(all === true ? [{ kind: 'all' as const }] : []),
  ];
  const [target] = chosen;
  if (target !== undefined && chosen.length === 1) return target;
  throw new RaypherError('request/invalid', 'Say whom the panic is for: one AI agent, one process, or all.', {
    hint: 'Give a pid, --agent or --all. `raypher scan` lists what runs.',
  });
}

function describe(result: PanicResult): string[] {
  const { label, processes, hold, snapshot, snapshotFault, spared, suspendedMs, durationMs } = result;
  return [
    `${hold ? 'Froze' : 'Ended'} ${printable(label)}: ${count(processes, 'process', 'processes')}, still after ${Math.round(suspendedMs)} ms, done after ${Math.round(durationMs)} ms.`,
    ...describeSevered(result),
    ...spared.map(({ pid, name, reason }) => `Left alone: ${pid} ${printable(name)}: ${reason}`),
    ...(snapshot === null
      ? [`There is no snapshot: ${snapshotFault ?? 'nothing ran'}`]
      : [
          `Snapshot: ${snapshot.file}`,
          `  SHA-256 ${snapshot.sha256}, ${snapshot.bytes} bytes`,
          snapshot.recipient === 'organisation'
            ? `  sealed to the organisation's key ${snapshot.keyId}`
            : `  sealed to the key ${snapshot.keyId} of this machine: no organisation's forensic key is known here`,
        ]),
    ...(hold ? [`Let it go on with \`raypher thaw ${result.id}\`.`] : []),
  ];
}
