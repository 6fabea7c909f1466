import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { z } from 'zod';
import { askService } from './control-client.ts';
import { type GlobalOptions, operator, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { count, print } from './output.ts';

const ThawResult = z.object({ removed: z.number(), thawed: z.number(), stillFrozen: z.number() });

export const thawCommand = withJson(withGlobalOptions(new Command('thaw')))
  .argument('[id]', 'the freeze to lift; all of this machine without it')
  .addHelpText(
    'after',
    `
Freezes of the organisation are lifted in the control plane, not here.

Examples:
  raypher thaw
  raypher thaw 4f1c2a9e-0d0b-4a53-9c3e-8f1d2b7a6c55

Exit codes: 0 done, 2 not an id, 3 not permitted, 4 no such freeze, 7 the service is not running.`,
  )
  .action(async (id: string | undefined, options: GlobalOptions) => {
    const { paths } = resolve(options);
    if (id !== undefined && !z.uuid().safeParse(id).success) {
      throw new RaypherError('request/invalid', `${id} is not the id of a freeze.`, {
        hint: '`raypher status --json` lists them under freeze.active.',
      });
    }
    const result = ThawResult.parse(
      await askService(paths.control, { verb: 'thaw', ...(id === undefined ? {} : { id }), by: operator() }),
    );
    print(result, options.json === true, () => [
      `Lifted ${count(result.removed, 'freeze')}: ${count(result.thawed, 'process', 'processes')} thawed.`,
      ...(result.stillFrozen === 0
        ? []
        : [`${count(result.stillFrozen, 'process stays', 'processes stay')} suspended by other freezes.`]),
    ]);
  });
