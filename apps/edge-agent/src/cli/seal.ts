import { RaypherError } from '@raypher/shared';
import { SecretName } from '@raypher/shared/rest';
import { sealSecret } from '@raypher/vault';
import { Command } from 'commander';
import { PROVIDERS_WITH_KEYS } from '../proxy/key-header.ts';
import { requireHeaderValue } from '../vault/header-value.ts';
import { requireProvider } from '../vault/vault-requests.ts';
import { askVault, describeVault, StoredSecretView } from './ask-vault.ts';
import { type GlobalOptions, operator, withGlobalOptions, withJson } from './global-options.ts';
import { print } from './output.ts';
import { readSecretInput } from './secret-input.ts';

interface SealOptions extends GlobalOptions {
  provider: string;
  fromFile?: string;
}

export const sealCommand = withJson(withGlobalOptions(new Command('seal')))
  .description('seal an API key on this machine, for programs that are allowed to use it')
  .argument('<name>', 'what to call it')
  .argument('[value]', 'refused: arguments are visible to everybody on this machine')
  .requiredOption('--provider <provider>', `whose key it is: ${PROVIDERS_WITH_KEYS.join(', ')}`)
  .option('--from-file <file>', 'read the key from a file instead of asking')
  .addHelpText(
    'after',
    `
The key is asked for without an echo, or read from standard input when that is no terminal. It is encrypted before
it leaves this command. Programs send the word raypher, or raypher:NAME, as their API key; the proxy puts the real one
in, for programs that \`raypher allow\` names and the provider's own address.

Examples:
  raypher seal openai --provider openai
  pass show openai | raypher seal openai --provider openai

Exit codes: 0 sealed, 2 no key or not one that can be sent, 3 not permitted or not enrolled, 5 the name is taken,
8 the vault cannot be opened here, 9 the state of the machine has changed.`,
  )
  .action(async (name: string, value: string | undefined, options: SealOptions) => {
    if (value !== undefined) throw visibleToEverybody();
    requireName(name);
    requireProvider(options.provider);
    const binding = { name, provider: options.provider };
    const sealed = await sealInput(options, binding, options.fromFile);
    const stored = StoredSecretView.parse(
      await askVault(options, { verb: 'vault-seal', ...binding, sealed, by: operator() }),
    );
    print(stored, options.json === true, () => [
      `Sealed ${stored.name} for ${stored.provider}.`,
      'Programs use it with the API key raypher (or ' +
        `raypher:${stored.name}), once \`raypher allow\` names them.`,
    ]);
  });

/** Reads a value and encrypts it to this machine's vault. */
export async function sealInput(
  options: GlobalOptions,
  binding: { name: string; provider: string },
  file: string | undefined,
) {
  // First: a vault that cannot be opened shall not make anybody type a key.
  const { publicKey } = await describeVault(options);
  const value = await readSecretInput(file, `API key ${binding.name} for ${binding.provider} (not shown): `);
  try {
    requireHeaderValue(value);
    return await sealSecret(Buffer.from(publicKey, 'base64url'), binding, value);
  } finally {
    value.fill(0);
  }
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
