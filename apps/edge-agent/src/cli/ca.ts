import { writeFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { systemServiceHint } from '../config/system-service.ts';
import { cannotWrite } from '../file-fault.ts';
import { describeRoot, readRoot } from '../interception/root-file.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print, table } from './output.ts';

const showCommand = withJson(withGlobalOptions(new Command('show')))
  .description('show the root certificate by which TLS is read on this machine')
  .addHelpText(
    'after',
    '\nExamples:\n  raypher ca show\n\nExit codes: 0 shown, 3 not permitted, 4 there is none.',
  )
  .action((options: GlobalOptions) => {
    const root = describeRoot(rootOf(options));
    print(root, options.json === true, () =>
      table(
        ['Root', root.subject],
        [
          ['SHA-256', root.fingerprint],
          ['valid since', root.validFrom],
          ['ends', root.validTo],
          ['key', root.key],
        ],
      ),
    );
  });

const exportCommand = withGlobalOptions(new Command('export'))
  .description('write the root certificate, for trust stores that `raypher setup` does not know')
  .argument('[file]', 'where to; without it, to the terminal')
  .addHelpText(
    'after',
    `
The certificate is no secret; its key stays sealed in this machine's vault.

Examples:
  raypher ca export raypher.pem
  raypher ca export | sudo tee /opt/app/certs/raypher.pem

Exit codes: 0 written, 2 the file is a folder, 3 not permitted, 4 there is none, or no folder for the file.`,
  )
  .action((file: string | undefined, options: GlobalOptions) => {
    const certificate = rootOf(options);
    if (file === undefined) process.stdout.write(certificate);
    else write(file, certificate);
  });

export const caCommand = new Command('ca').addCommand(showCommand).addCommand(exportCommand);

function rootOf(options: GlobalOptions): string {
  const { config, paths } = resolve(options);
  const certificate = readRoot(paths.authority);
  if (certificate !== undefined) return certificate;
  throw new RaypherError('request/not-found', 'This machine has no root certificate.', {
    hint:
      systemServiceHint(config.dataDir) ??
      'The service makes one when it starts on a machine that is a member: raypher enroll, then raypher service.',
  });
}

function write(file: string, certificate: string): void {
  try {
    writeFileSync(file, certificate);
  } catch (cause) {
    throw cannotWrite(file, cause);
  }
}
