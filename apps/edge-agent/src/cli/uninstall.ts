import { Command } from 'commander';
import { systemLayout } from '../setup/system-layout.ts';
import { uninstall } from '../setup/uninstall.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { stepPrinter } from './step-printer.ts';

interface UninstallOptions extends GlobalOptions {
  keepData: boolean;
}

export const uninstallCommand = withJson(withGlobalOptions(new Command('uninstall')))
  .option('--keep-data', 'stay a member and keep identity, store and configuration', false)
  .addHelpText(
    'after',
    `
Thaws what the service had frozen, tells the control plane that this device is gone, and removes the unit, the data
folder and the configuration it made. A file that was changed since is kept and named; so is a Debian package, which
\`apt purge raypher\` removes. The journal keeps what the service logged.

Examples:
  sudo raypher uninstall
  sudo raypher uninstall --keep-data      before installing another version

Exit codes: 0 removed (also when the control plane could not be told: it says so), 3 not root,
5 the service was started by hand and still runs.`,
  )
  .action(async (options: UninstallOptions) => {
    const { config } = resolve(options);
    await uninstall(
      { layout: systemLayout('/', config), config, keepData: options.keepData },
      stepPrinter(options.json === true),
    );
  });
