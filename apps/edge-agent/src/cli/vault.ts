import { RaypherError } from '@raypher/shared';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { describeUse } from '../proxy/describe-use.ts';
import { askVault, describeVault, StoredSecretView } from './ask-vault.ts';
import { type GlobalOptions, operator, withGlobalOptions, withJson } from './global-options.ts';
import { count, print, table } from './output.ts';
import { requireName, sealInput, visibleToEverybody } from './seal.ts';

const ResetResult = z.object({ keyId: z.string(), setAside: z.string().optional() });

const listCommand = withJson(withGlobalOptions(new Command('list')))
  .description('show what is sealed here; never the values')
  .addHelpText(
    'after',
    '\nExamples:\n  raypher vault list\n\nExit codes: 0 shown, 3 not permitted, 8 or 9 it cannot be opened.',
  )
  .action(async (options: GlobalOptions) => {
    const vault = await describeVault(options);
    print(vault, options.json === true, () => [
      `Vault ${vault.keyId}: ${vault.bound === 'tpm' ? 'sealed to the TPM of this machine' : 'under a key in a file of this disk, which whoever copies the folder has too'}${vault.pcrs.length === 0 ? '' : `, PCRs ${vault.pcrs.join(', ')}`}.`,
      ...(vault.weakness === null ? [] : [`Its root in memory: ${vault.weakness}.`]),
      ...(vault.setAside === 0 ? [] : [`${count(vault.setAside, 'key')} of vaults that were set aside.`]),
      ...(vault.secrets.length === 0
        ? ['Nothing is sealed yet: raypher seal NAME --provider PROVIDER, or --host HOST']
        : table(
            ['NAME', 'VERSION', 'SEALED', 'LAST USED', 'USES', 'FOR'],
            vault.secrets.map(({ name, provider, use, uses, version, createdAt, rotatedAt, lastUsedAt }) => [
              name,
              String(version),
              new Date(rotatedAt ?? createdAt).toISOString(),
              lastUsedAt === undefined ? 'never' : new Date(lastUsedAt).toISOString(),
              // Of a provider's key they are not counted.
              use === undefined ? '' : `${uses}${use.maxUses === undefined ? '' : ` of ${use.maxUses}`}`,
              use === undefined ? provider : `${describeUse(use)}${ending(use.expires)}`,
            ]),
          )),
    ]);
  });

const revokeCommand = withJson(withGlobalOptions(new Command('revoke')))
  .description('take a sealed key away from this machine')
  .argument('<name>', 'what it is called')
  .addHelpText(
    'after',
    '\nThe provider does not know of it: revoke the key there as well when it may have leaked.\n\nExamples:\n  raypher vault revoke openai\n\nExit codes: 0 taken away, 3 not permitted, 4 no such key.',
  )
  .action(async (name: string, options: GlobalOptions) => {
    requireName(name);
    const stored = StoredSecretView.parse(
      await askVault(options, { verb: 'vault-revoke', name, by: operator() }),
    );
    print(stored, options.json === true, () => [`${stored.name} is gone from this machine.`]);
  });

const rotateCommand = withJson(withGlobalOptions(new Command('rotate')))
  .description('replace the value of a sealed key')
  .argument('<name>', 'what it is called')
  .argument('[value]', 'refused: arguments are visible to everybody on this machine')
  .option('--from-file <file>', 'read the key from a file instead of asking')
  .addHelpText(
    'after',
    '\nExamples:\n  raypher vault rotate openai\n\nExit codes: 0 replaced, 2 no key or not one that can be sent, 3 not permitted, 4 no such key.',
  )
  .action(async (name: string, value: string | undefined, options: GlobalOptions & { fromFile?: string }) => {
    if (value !== undefined) throw visibleToEverybody();
    requireName(name);
    const known = (await describeVault(options)).secrets.find((secret) => secret.name === name);
    if (known === undefined) throw new RaypherError('vault/not-found', `There is no sealed key ${name}.`);
    const { provider, use } = known;
    const sealed = await sealInput(options, { name, provider, use }, options.fromFile);
    const stored = StoredSecretView.parse(
      await askVault(options, { verb: 'vault-rotate', name, sealed, by: operator() }),
    );
    print(stored, options.json === true, () => [`${stored.name} is at version ${stored.version}.`]);
  });

const rebindCommand = withGlobalOptions(new Command('rebind'))
  .description('bind the vault to what PCRs hold now, or to none')
  .option(
    '--pcrs <list>',
    'numbers of the SHA-256 bank, such as 0,7; empty: any state of this machine',
    parsePcrs,
    [],
  )
  .addHelpText(
    'after',
    `
A vault bound to PCRs opens only on a machine that started the same way. Before a planned change of firmware or boot
loader, rebind to none; afterwards bind again.

Examples:
  raypher vault rebind --pcrs 7
  raypher vault rebind

Exit codes: 0 bound, 3 not permitted, 9 the state has changed already, 11 the vault is not in a TPM.`,
  )
  .action(async (options: GlobalOptions & { pcrs: number[] }) => {
    await askVault(options, { verb: 'vault-rebind', pcrs: options.pcrs, by: operator() });
    const to = options.pcrs.length === 0 ? 'no PCRs' : `PCRs ${options.pcrs.join(', ')}`;
    process.stdout.write(`The vault is bound to ${to}.\n`);
  });

const resetCommand = withJson(withGlobalOptions(new Command('reset')))
  .description('set the vault aside and begin an empty one')
  .requiredOption('--yes', 'the keys in it are to be sealed again')
  .addHelpText(
    'after',
    '\nNothing is deleted: the sealed root is renamed, and its keys stay in the store, unreadable without it.\n\nExamples:\n  raypher vault reset --yes\n\nExit codes: 0 done, 2 without --yes, 3 not permitted.',
  )
  .action(async (options: GlobalOptions) => {
    const result = ResetResult.parse(await askVault(options, { verb: 'vault-reset', by: operator() }));
    print(result, options.json === true, () => [
      `The vault has the key ${result.keyId} now and is empty.`,
      ...(result.setAside === undefined ? [] : [`The one before is at ${result.setAside}.`]),
    ]);
  });

export const vaultCommand = new Command('vault')
  .addCommand(listCommand)
  .addCommand(rotateCommand)
  .addCommand(revokeCommand)
  .addCommand(rebindCommand)
  .addCommand(resetCommand);

function ending(expires: string | undefined): string {
  return expires === undefined ? '' : `, until ${expires}`;
}

function parsePcrs(text: string): number[] {
  const numbers = text.split(',').filter((part) => part !== '');
  if (numbers.every((part) => /^\d{1,2}$/.test(part) && Number(part) < 24))
    return [...new Set(numbers.map(Number))];
  throw new InvalidArgumentError('PCRs are numbers from 0 to 23, with commas between them.');
}
