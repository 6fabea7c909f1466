import { randomBytes } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import { SecretUse } from '@raypher/shared/rest';
import { deriveVaultKey, openSecret, ROOT_BYTES, SealedSecret } from '@raypher/vault';
import { Command } from 'commander';
import { z } from 'zod';
import { askVault } from './ask-vault.ts';
import { type GlobalOptions, operator, withGlobalOptions } from './global-options.ts';
import { requireName } from './seal.ts';

const Unsealed = z.object({ provider: z.string(), use: SecretUse.optional(), sealed: SealedSecret });

export const unsealCommand = withGlobalOptions(new Command('unseal'))
  .argument('<name>', 'what it is called')
  .option('--force', 'also when the output is no terminal')
  .addHelpText(
    'after',
    `
Each time is recorded in the ledger, before the key is shown.

Examples:
  raypher unseal openai

Exit codes: 0 shown, 3 not permitted or no terminal, 4 no such key, 8 the vault cannot be opened here,
9 the state of the machine has changed.`,
  )
  .action(async (name: string, options: GlobalOptions & { force?: boolean }) => {
    requireName(name);
    if (!process.stdout.isTTY && options.force !== true) {
      throw new RaypherError('vault/needs-terminal', 'A key is shown on a terminal only.', {
        hint: 'With --force it goes wherever the output goes: a pipe, a file, a log.',
      });
    }
    const root = randomBytes(ROOT_BYTES);
    const mine = await deriveVaultKey(root);
    root.fill(0);
    const to = Buffer.from(mine.publicKey).toString('base64url');
    const { provider, use, sealed } = Unsealed.parse(
      await askVault(options, { verb: 'vault-unseal', name, to, by: operator() }),
    );
    const value = await openSecret(mine, { name, provider, use }, sealed);
    await new Promise((resolve) => process.stdout.write(value, resolve));
    value.fill(0);
    if (process.stdout.isTTY) process.stdout.write('\n');
  });
