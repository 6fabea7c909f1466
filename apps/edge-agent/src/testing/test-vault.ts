import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANY_API, type SecretUse } from '@raypher/shared/rest';
import { type SecretBinding, sealSecret } from '@raypher/vault';
import { FileSealer } from '../identity/file-sealer.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { openDatabase } from '../store/database.ts';
import { Secrets } from '../store/secrets.ts';
import { Vault } from '../vault/vault.ts';

/** A real vault in a folder of its own. */
export async function startTestVault(record: (event: EventDraft) => void = () => {}): Promise<Vault> {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-vault-'));
  return Vault.open({
    path: join(folder, 'vault', 'root.json'),
    sealer: new FileSealer(join(folder, 'sealer.key')),
    secrets: new Secrets(openDatabase(join(folder, 'agent.db')).db),
    pcrs: [],
    record,
    commit: async (event) => record(event),
  });
}

export function sealInto(vault: Vault, name: string, provider: string, value: string): Promise<void> {
  return seal(vault, { name, provider }, value);
}

/** A value for any API. */
export function sealForUse(vault: Vault, name: string, use: SecretUse, value: string): Promise<void> {
  return seal(vault, { name, provider: ANY_API, use }, value);
}

async function seal(vault: Vault, binding: SecretBinding, value: string): Promise<void> {
  const { publicKey } = await vault.describe();
  const sealed = await sealSecret(Buffer.from(publicKey, 'base64url'), binding, Buffer.from(value));
  await vault.seal(binding, sealed, { kind: 'user', id: 'ada', name: 'ada' });
}
