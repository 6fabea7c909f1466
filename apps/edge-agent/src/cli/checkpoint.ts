import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { ServiceStatus } from '../service/service-status.ts';
import { askService } from './control-client.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print } from './output.ts';

export const checkpointCommand = withJson(withGlobalOptions(new Command('checkpoint')))
  .addHelpText(
    'after',
    `
The device was shown it by the control plane, checked that the log goes on from all that it was shown before, and keeps
it. An export that does not lead to it was rewritten after this device saw it, whoever signed the export.

Examples:
  raypher checkpoint > seen
  raypher verify export.zip --key log.vkey --since seen
  raypher checkpoint --json | jq .contradiction

Exit codes: 0 printed, 3 not permitted, 4 nothing kept yet, 7 not running.`,
  )
  .action(async (options: GlobalOptions) => {
    const { paths } = resolve(options);
    const { record } = ServiceStatus.parse(await askService(paths.control, { verb: 'status' }));
    if (record === null) {
      throw new RaypherError('request/not-found', 'This device has not been shown a checkpoint yet.', {
        hint: 'It is shown one about half a minute after it connected; `raypher status` says whether it is connected.',
      });
    }
    print(record, options.json === true, () => [record.checkpoint.trimEnd()]);
  });
