import { resolve as absolute } from 'node:path';
import { Command } from 'commander';
import { install } from '../setup/install.ts';
import { systemLayout } from '../setup/system-layout.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { stepPrinter } from './step-printer.ts';

interface InstallOptions extends GlobalOptions {
  root: string;
  start: boolean;
}

export const installCommand = withJson(withGlobalOptions(new Command('install')))
  .option('--root <dir>', 'install into the image below this folder, and start nothing', '/')
  .option('--no-start', 'only install; it starts with the next boot')
  .addHelpText(
    'after',
    `
Writes the systemd unit, a configuration file in which everything is a comment, and the data folder (0700); enables and
starts the service and waits until it is ready. A second run changes nothing. Change the unit with
\`systemctl edit raypher\`, never in place: this command puts it back.

Examples:
  sudo raypher install
  sudo raypher install --root /mnt/image

With --json each step is a line: {"step", "state": "done" | "unchanged" | "unavailable", "detail"}.

Exit codes: 0 installed and running (with --root or --no-start: installed), 2 the executable lies where others could
replace it, 3 not root, 7 it does not start, or systemd does not run here, 11 not Linux.`,
  )
  .action((options: InstallOptions) => {
    const { config } = resolve(options);
    const root = absolute(options.root);
    const { dataDir } = config;
    install(
      { layout: systemLayout(root, config), dataDir: absolute(dataDir), start: options.start },
      stepPrinter(options.json === true),
    );
  });
