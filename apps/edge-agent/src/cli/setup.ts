import { resolve as absolute } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { Command, Option } from 'commander';
import type { Config } from '../config/config.ts';
import { readRoot } from '../interception/root-file.ts';
import { agentPaths } from '../service/paths.ts';
import { install } from '../setup/install.ts';
import { joinOnce } from '../setup/join.ts';
import type { ReportStep } from '../setup/step.ts';
import { systemLayout } from '../setup/system-layout.ts';
import { installTrust } from '../setup/trust.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { stepPrinter } from './step-printer.ts';

interface SetupOptions extends GlobalOptions {
  server: string;
  token?: string;
  tokenFile?: string;
  caPin?: string;
  identity?: Config['identityKey'];
  silent: boolean;
}

export const setupCommand = withJson(withGlobalOptions(new Command('setup')))
  .requiredOption('--server <url>', 'address of the control plane, https')
  .option('--token-file <file>', 'file that holds the enrolment token; emptied and removed once it is used')
  .option('--token <token>', 'the token itself; other users see arguments: prefer the file or the variable')
  .option('--ca-pin <pin>', 'refuse a token that names another root certificate')
  .addOption(
    new Option('--identity <kind>', 'what the device proves itself with').choices([
      'auto',
      'tpm',
      'software',
    ]),
  )
  .option('--silent', 'print nothing but errors; it never asks anything anyway', false)
  .addHelpText(
    'after',
    `
What management systems run. Nothing is asked. A second run changes nothing and needs no token; a run that was
interrupted is completed by the next one. Instead of an option the token can be in RAYPHER_ENROLMENT_TOKEN.

Examples:
  sudo raypher setup --server https://raypher.example.com:8443 --token-file /run/raypher-token
  sudo raypher setup --silent --json --server https://raypher.example.com:8443 --token-file token.txt

With --json each step is a line: {"step": "enrol" | "executable" | "unit" | "config" | "data" | "enable" | "start" |
"trust", "state": "done" | "unchanged" | "unavailable", "detail"}.

Exit codes: 0 enrolled and running (also when an administrator has to approve the device first), 2 usage, 3 refused by
the control plane, or not root, 5 a member of another control plane, 7 not reachable, or the service does not start,
8 the identity is another machine's, 11 unsupported platform, or no TPM where one is demanded.`,
  )
  .action(async (options: SetupOptions) => {
    if (process.platform === 'linux' && process.geteuid?.() !== 0) {
      throw new RaypherError('process/permission', 'Only root can set up a service.', {
        hint: 'Run this with sudo, or use `raypher enroll` and `raypher service` as yourself.',
      });
    }
    if (!URL.canParse(options.server)) {
      throw new RaypherError('request/invalid', `${options.server} is not an address.`, {
        hint: 'Write it as https://HOST:PORT.',
      });
    }
    if (options.token !== undefined) {
      process.stderr.write(
        'raypher: every user of this machine can read --token in the list of processes; use --token-file.\n',
      );
    }
    const { config } = resolve(options);
    const chosen = { ...config, identityKey: options.identity ?? config.identityKey };
    // Silence is for people: whoever asks for JSON reads it.
    const report = options.silent && options.json !== true ? () => {} : stepPrinter(options.json === true);
    await joinOnce({ ...options, server: new URL(options.server) }, chosen, report);
    const layout = systemLayout('/', config);
    install({ layout, dataDir: absolute(config.dataDir), start: true }, report);
    trustRoot(config, report);
  });

/** The service has made the root when it is up. */
function trustRoot(config: Config, report: ReportStep): void {
  if (config.interceptionMode === 'off') return;
  const certificate = readRoot(agentPaths(config.dataDir).authority);
  if (certificate !== undefined) installTrust(systemLayout('/', config), certificate, report);
  else
    report({ step: 'trust', state: 'unavailable', detail: 'the service made no root: see `raypher status`' });
}
