import { SecretUse } from '@raypher/shared/rest';
import { z } from 'zod';
import { hardenProcess } from '../native/harden-process.ts';
import { openVault } from '../service/open-vault.ts';
import { answerVaultRequest, type VaultRequest } from '../vault/vault-requests.ts';
import { askServiceOrAgent } from './ask-service-or-agent.ts';
import { type GlobalOptions, resolve } from './global-options.ts';

export const StoredSecretView = z.object({
  name: z.string(),
  provider: z.string(),
  use: SecretUse.optional(),
  uses: z.number(),
  version: z.number(),
  createdAt: z.number(),
  rotatedAt: z.number().optional(),
  lastUsedAt: z.number().optional(),
});

export const VaultView = z.object({
  keyId: z.string(),
  publicKey: z.string(),
  bound: z.enum(['tpm', 'file']),
  pcrs: z.array(z.number()),
  weakness: z.string().nullable(),
  setAside: z.number(),
  secrets: z.array(StoredSecretView),
});

/** Of the running service, or of the vault itself where none runs. */
export async function askVault(options: GlobalOptions, request: VaultRequest): Promise<unknown> {
  hardenProcess();
  const { config, paths } = resolve(options);
  return askServiceOrAgent({ config, paths }, request, async (agent) => {
    const opened = await openVault(agent, paths, config.vaultPcrs, (event) => agent.ledger.note(event));
    try {
      return await answerVaultRequest(opened?.vault, request);
    } finally {
      opened?.vault.close();
    }
  });
}

export async function describeVault(options: GlobalOptions): Promise<z.infer<typeof VaultView>> {
  return VaultView.parse(await askVault(options, { verb: 'vault-list' }));
}
