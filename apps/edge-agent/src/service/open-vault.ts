import { canonicalBytes } from '@raypher/ledger';
import type { VaultKey } from '@raypher/shared';
import type { EventDraft } from '../ledger/event-draft.ts';
import { Secrets } from '../store/secrets.ts';
import { Vault } from '../vault/vault.ts';
import type { OpenedAgent } from './open-agent.ts';
import type { AgentPaths } from './paths.ts';

export interface OpenedVault {
  vault: Vault;
  /** What the control plane is told, signed by the device key; undefined while the vault cannot be opened. */
  announced: () => VaultKey | undefined;
}

/**
 * Opens this device's vault; an enrolled device without one gets one, so that keys can be pushed to it.
 *
 * @param changed called when another key is announced
 * @returns undefined for a machine without an identity that could seal it
 */
export async function openVault(
  { db, ledger, membership }: OpenedAgent,
  paths: Pick<AgentPaths, 'vaultRoot'>,
  pcrs: readonly number[],
  record: (event: EventDraft) => void,
  changed: (error?: unknown) => void = () => {},
): Promise<OpenedVault | undefined> {
  if (membership === undefined) return undefined;
  const { enrolment, keys } = membership;
  let announced: VaultKey | undefined;
  const announce = async (): Promise<void> => {
    // Until the new one is signed nothing is announced that nobody can open.
    announced = undefined;
    const key = vault.publicKey;
    if (key === undefined) return;
    const publicKey = Buffer.from(key);
    const statement = canonicalBytes({
      device: enrolment.device,
      kind: 'vault-key',
      organisation: enrolment.organisation.id,
      publicKey: publicKey.toString('base64url'),
    });
    announced = { publicKey, signature: await keys.sign(statement) };
  };
  const vault: Vault = await Vault.open({
    path: paths.vaultRoot,
    sealer: keys.sealer,
    secrets: new Secrets(db),
    pcrs,
    record,
    commit: (event) => ledger.record(event),
    keyChanged: () => void announce().then(() => changed(), changed),
  });
  await announce();
  return { vault, announced: () => announced };
}
