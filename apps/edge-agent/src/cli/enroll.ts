import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { enroll } from '../identity/enroll.ts';
import { saveEnrolment } from '../identity/enrolment.ts';
import { SoftwareKeyProvider } from '../identity/software-key-provider.ts';
import { acquireLock } from '../service/lock.ts';
import { isEnrolled, joinOrganisation } from '../service/membership.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print } from './output.ts';

interface EnrollOptions extends GlobalOptions {
  server: string;
  token?: string;
  tokenFile?: string;
  replace: boolean;
}

export const enrollCommand = withJson(withGlobalOptions(new Command('enroll')))
  .description('make this machine a member of an organisation')
  .requiredOption('--server <url>', 'address of the control plane, https')
  .option('--token-file <file>', 'file that holds the enrolment token; emptied and removed once it is used')
  .option('--token <token>', 'the token itself; RAYPHER_ENROLMENT_TOKEN is better, other users see arguments')
  .option('--replace', 'leave the current organisation and join as a new device', false)
  .addHelpText(
    'after',
    `
The token names the control plane's root certificate. The agent checks that first and only then shows
the token to the server, so a wrong or intercepted address learns nothing.

Examples:
  raypher enroll --server https://raypher.example.com:8443 --token-file token.txt
  RAYPHER_ENROLMENT_TOKEN=rpt1.… raypher enroll --server https://raypher.example.com:8443

Exit codes: 0 enrolled, 2 not a token, 3 refused by the control plane, 5 already enrolled, 7 not reachable.`,
  )
  .action(async (options: EnrollOptions) => {
    const { paths } = resolve(options);
    const release = acquireLock(paths.lock);
    try {
      if (isEnrolled(paths) && !options.replace) {
        throw new RaypherError('enrolment/already-enrolled', 'This machine is enrolled already.', {
          hint: 'Use --replace to leave its organisation and enrol again.',
        });
      }
      const token = readToken(options);
      // A new membership gets a new key: the old one belongs to a device that no longer exists.
      if (options.replace) rmSync(paths.key, { force: true });
      const keys = await SoftwareKeyProvider.open(paths.key);
      const enrolment = await enroll(parseServer(options.server), token, keys);
      saveEnrolment(paths.enrolment, enrolment);
      joinOrganisation(paths, enrolment, keys);
      if (options.tokenFile !== undefined) discard(options.tokenFile);
      const { device, organisation, server } = enrolment;
      const result = { device, organisation, server, identityClass: keys.identityClass, keyId: keys.keyId };
      print(result, options.json === true, () => [
        `Enrolled in ${organisation.name} as device ${device}.`,
        `Identity: ${keys.identityClass} key ${keys.keyId}.`,
        'Next: start the service with `raypher service`.',
      ]);
    } finally {
      release();
    }
  });

function parseServer(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new RaypherError('request/invalid', `${text} is not an address.`, {
    hint: 'Write it as https://HOST:PORT.',
  });
}

function readToken({ token, tokenFile }: EnrollOptions): string {
  if (tokenFile !== undefined) {
    try {
      return readFileSync(tokenFile, 'utf8');
    } catch (cause) {
      throw new RaypherError('request/not-found', `The token file ${tokenFile} cannot be read.`, { cause });
    }
  }
  const text = token ?? process.env.RAYPHER_ENROLMENT_TOKEN;
  if (text !== undefined) return text;
  throw new RaypherError('request/invalid', 'An enrolment token is needed.', {
    hint: 'Use --token-file, or the variable RAYPHER_ENROLMENT_TOKEN.',
  });
}

/** The token is spent; what is left of it should not lie around. */
function discard(file: string): void {
  try {
    writeFileSync(file, '');
    rmSync(file);
  } catch {
    // A read-only mount (a mounted secret) is fine: the token does not work again.
  }
}
