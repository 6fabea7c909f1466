import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { hardenProcess } from '../native/harden-process.ts';
import { acquireLock } from '../service/lock.ts';
import { openAgent } from '../service/open-agent.ts';
import { openVault } from '../service/open-vault.ts';
import { answerVaultRequest, type VaultRequest } from '../vault/vault-requests.ts';
import { askService } from './control-client.ts';
import { type GlobalOptions, resolve } from './global-options.ts';

export const StoredSecretView = z.object({
  name: z.string(),
  provider: z.string(),
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

/** Asks the running service, the one owner of the TPM; where none runs, opens the agent under its lock. */
export async function askVault(options: GlobalOptions, request: VaultRequest): Promise<unknown> {
  hardenProcess();
  const { config, paths } = resolve(options);
  try {
    return await askService(paths.control, request);
  } catch (error) {
    if (!(error instanceof RaypherError) || error.code !== 'service/not-running') throw error;
  }
  const release = acquireLock(paths.lock);
  try {
    const agent = await openAgent(paths, config);
    try {
      const opened = await openVault(agent, paths, config.vaultPcrs, (event) => agent.ledger.note(event));
      try {
        return await answerVaultRequest(opened?.vault, request);
      } finally {
        opened?.vault.close();
      }
    } finally {
      agent.ledger.flush();
      agent.db.close();
      agent.membership?.keys.close();
    }
  } finally {
    release();
  }
}

export async function describeVault(options: GlobalOptions): Promise<z.infer<typeof VaultView>> {
  return VaultView.parse(await askVault(options, { verb: 'vault-list' }));
}
