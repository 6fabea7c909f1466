import { RaypherError } from '@raypher/shared';
import { Command, Option } from 'commander';
import type { Config } from '../config/config.ts';
import { becomeMember } from '../setup/become-member.ts';
import { readToken } from '../setup/token-source.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print } from './output.ts';

interface EnrollOptions extends GlobalOptions {
  server: string;
  token?: string;
  tokenFile?: string;
  identity?: Config['identityKey'];
  replace: boolean;
}

export const enrollCommand = withJson(withGlobalOptions(new Command('enroll')))
  .requiredOption('--server <url>', 'address of the control plane, https')
  .option('--token-file <file>', 'file that holds the enrolment token; emptied and removed once it is used')
  .option('--token <token>', 'the token itself; RAYPHER_ENROLMENT_TOKEN is better, other users see arguments')
  .addOption(
    new Option(
      '--identity <kind>',
      'what the device proves itself with (default: `identity.key` of the configuration, else auto)',
    ).choices(['auto', 'tpm', 'software']),
  )
  .option('--replace', 'leave the current organisation and join as a new device', false)
  .addHelpText(
    'after',
    `
The token names the control plane's root certificate. The agent checks that first and only then shows
the token to the server, so a wrong or intercepted address learns nothing.

Identity: tpm is a key that never leaves this machine's TPM 2.0, proven to the control plane. software is a key
in a file, which can be copied, and is shown as such. auto takes the TPM where there is one; a TPM that cannot be
used is an error, never a reason to take a file.

The organisation may want to approve a device first. It is enrolled then, and the service can be started, but the
control plane lets it in only after an administrator has approved it.

Examples:
  raypher enroll --server https://raypher.example.com:8443 --token-file token.txt
  RAYPHER_ENROLMENT_TOKEN=rpt1.… raypher enroll --server https://raypher.example.com:8443 --identity tpm

Exit codes: 0 enrolled (also when it waits for approval), 2 not a token, 3 refused by the control plane, or no access
to the TPM or the folder, 5 already enrolled, 7 not reachable, 8 the TPM was cleared meanwhile, 11 no TPM, or libtss2 is missing.`,
  )
  .action(async (options: EnrollOptions) => {
    const { config, paths } = resolve(options);
    const choice = { ...config, identityKey: options.identity ?? config.identityKey };
    const { enrolment, key } = await becomeMember(
      {
        server: parseServer(options.server),
        token: () => readToken(options),
        tokenFile: options.tokenFile,
        replace: options.replace,
        unheard: (why) => process.stderr.write(`${notLeft(why)}\n`),
      },
      paths,
      choice,
    );
    const { device, organisation, server, status, identityClass } = enrolment;
    const { identityClass: kind, keyId } = key;
    const result = { device, organisation, server, status, identityClass, key: kind, keyId };
    print(result, options.json === true, () => [
      `Enrolled in ${organisation.name} as device ${device}.`,
      `Identity: ${identityClass}, with key ${keyId} in ${kind === 'tpm' ? 'the TPM' : 'a file'}.`,
      ...(status === 'pending'
        ? ['Waiting: an administrator has to approve this device, under Devices, before it may connect.']
        : []),
      ...(status === 'paused'
        ? ['Paused: the control plane takes it for a copy of another device. An administrator has to decide.']
        : []),
      'Next: start the service with `raypher service`.',
    ]);
  });

function notLeft(why: string): string {
  return (
    `The control plane of the old enrolment could not be told that this machine leaves: ${why}\n` +
    'If it still exists, an administrator should revoke the old device there. Until then it may take this TPM, ' +
    'enrolled again, for a copy, and pause both.'
  );
}

function parseServer(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new RaypherError('request/invalid', `${text} is not an address.`, {
    hint: 'Write it as https://HOST:PORT.',
  });
}
