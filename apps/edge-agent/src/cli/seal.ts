import { RaypherError } from '@raypher/shared';
import { ANY_API, SecretName } from '@raypher/shared/rest';
import { type SecretBinding, sealSecret } from '@raypher/vault';
import { Command } from 'commander';
import { describeUse } from '../proxy/describe-use.ts';
import { PROVIDERS_WITH_KEYS } from '../proxy/key-header.ts';
import { keyLikePlaceholder } from '../proxy/secret-placeholder.ts';
import { requireSendable } from '../vault/header-value.ts';
import { requirePurpose } from '../vault/vault-requests.ts';
import { askVault, describeVault, StoredSecretView } from './ask-vault.ts';
import { type GlobalOptions, operator, withGlobalOptions, withJson } from './global-options.ts';
import { print } from './output.ts';
import { readSecretInput } from './secret-input.ts';
import { type UseOptions, useOf, withUseOptions } from './use-options.ts';

interface SealOptions extends GlobalOptions, UseOptions {
  provider?: string;
  fromFile?: string;
}

const command = withJson(withGlobalOptions(new Command('seal')))
  .argument('<name>', 'what to call it')
  .argument('[value]', 'refused: arguments are visible to everybody on this machine')
  .option('--provider <provider>', `a provider of models whose key it is: ${PROVIDERS_WITH_KEYS.join(', ')}`);

export const sealCommand = withUseOptions(command)
  .option('--from-file <file>', 'read the key from a file instead of asking')
  .addHelpText(
    'after',
    `
The key is asked for without an echo, or read from standard input when that is no terminal. It is encrypted before
it leaves this command. Programs that \`raypher allow\` names send a placeholder, and the proxy puts the key in:

With --provider the placeholder is the word raypher, or raypher:NAME, as the API key, and the key goes to the
provider's own address. With --host it is raypher:NAME in the place that is named here, or the form without a colon
that this command prints; the key goes to these hosts, methods and paths, in this place, this often, and nowhere
else. A placeholder anywhere else is refused.

Examples:
  raypher seal openai --provider openai
  pass show openai | raypher seal openai --provider openai

  GitHub, to read two repositories' worth of API, at most 100 times this year:
    raypher seal github --host api.github.com --header 'authorization: Bearer' \\
      --method GET --path '/repos/acme/**' --max-uses 100 --expires 2027-01-01T00:00:00Z
    curl -H 'Authorization: Bearer raypher:github' https://api.github.com/repos/acme/app

  Stripe, whose clients look at the form of a key: give them sk_test_ and the printed form:
    raypher seal stripe --host api.stripe.com --header 'authorization: Bearer' --path '/v1/charges/**'

  A password of basic authentication:
    raypher seal jira --host acme.atlassian.net --basic password
    curl -u ann@acme.example:raypher:jira https://acme.atlassian.net/rest/api/3/myself

  A key in the query, a header of its own, a form, a field of a JSON body:
    raypher seal maps --host maps.googleapis.com --query key
    raypher seal datadog --host '*.datadoghq.com' --header dd-api-key
    raypher seal oauth --host login.example.com --method POST --path /token --form client_secret
    raypher seal hook --host hooks.example.com --body-field /auth/token

Exit codes: 0 sealed, 2 no key or not one that can be sent, 3 not permitted or not enrolled, 5 the name is taken,
8 the vault cannot be opened here, 9 the state of the machine has changed.`,
  )
  .action(async (name: string, value: string | undefined, options: SealOptions) => {
    if (value !== undefined) throw visibleToEverybody();
    requireName(name);
    const use = useOf(options);
    const provider = options.provider ?? ANY_API;
    if (options.provider === undefined && use === undefined) throw noPurpose();
    requirePurpose(provider, use);
    const binding = { name, provider, use };
    const sealed = await sealInput(options, binding, options.fromFile);
    const stored = StoredSecretView.parse(
      await askVault(options, { verb: 'vault-seal', ...binding, sealed, by: operator() }),
    );
    const placeholders = [`raypher:${name}`, keyLikePlaceholder(name)];
    const shown = use === undefined ? stored : { ...stored, placeholders };
    print(shown, options.json === true, () =>
      use === undefined
        ? [
            `Sealed ${stored.name} for ${stored.provider}.`,
            'Programs use it with the API key raypher (or ' +
              `raypher:${stored.name}), once \`raypher allow\` names them.`,
          ]
        : [
            `Sealed ${stored.name} for ${describeUse(use)}.`,
            `Programs write ${placeholders[0]} in its place, once \`raypher allow\` names them. For clients that look at`,
            `the form of a key: ${placeholders[1]}, with the service's prefix before it (ghp_…, sk_test_…).`,
          ],
    );
  });

/** Reads a value and encrypts it to this machine's vault. */
export async function sealInput(options: GlobalOptions, binding: SecretBinding, file: string | undefined) {
  // First: a vault that cannot be opened shall not make anybody type a key.
  const { publicKey } = await describeVault(options);
  const { name, provider, use } = binding;
  const what = use === undefined ? `API key ${name} for ${provider}` : `value of ${name}`;
  const value = await readSecretInput(file, `${what} (not shown): `);
  try {
    requireSendable(value, binding);
    return await sealSecret(Buffer.from(publicKey, 'base64url'), binding, value);
  } finally {
    value.fill(0);
  }
}

function noPurpose(): RaypherError {
  return new RaypherError('request/invalid', 'Say what the key is for: --provider, or --host and a place.', {
    hint: '`raypher seal --help` has examples for both.',
  });
}

export function requireName(name: string): void {
  if (SecretName.safeParse(name).success) return;
  throw new RaypherError(
    'request/invalid',
    'A name has up to 64 letters, digits, dots, dashes or underscores.',
  );
}

export function visibleToEverybody(): RaypherError {
  return new RaypherError(
    'request/invalid',
    'A key is not taken from the command line: every account of this machine can read the arguments of a program.',
    {
      hint: 'Leave it out and type it when asked. The one given here is in the history of your shell: consider it leaked.',
    },
  );
}
