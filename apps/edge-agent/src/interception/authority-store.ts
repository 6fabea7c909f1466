import { existsSync, readFileSync, renameSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { SealedSecret, type SecretBinding } from '@raypher/vault';
import { z } from 'zod';
import { writePrivateFile } from '../identity/private-file.ts';
import { CertificateAuthority, isOver } from './certificate-authority.ts';

/** What the vault does for it. */
export interface KeyVault {
  protect(binding: SecretBinding, value: Uint8Array): Promise<SealedSecret>;
  expose(binding: SecretBinding, sealed: SealedSecret): Promise<Uint8Array>;
}

export const RootFile = z.strictObject({
  v: z.literal(1),
  /** PEM. */
  certificate: z.string().max(4096),
  /** The private key, PKCS#8, as only the vault of this machine opens it. */
  key: SealedSecret,
});

const BINDING: SecretBinding = { name: 'root-key', provider: 'interception' };

export interface OpenedAuthority {
  authority: CertificateAuthority;
  /** Why there is a new root; undefined when it is the one from before. */
  made: 'first' | 'over' | 'unreadable' | undefined;
}

/**
 * Opens this machine's root, or makes one. A root that cannot be opened any more (the vault was reset, the file is
 * damaged) is set aside: clients have to be told about the new one, which `made` is for.
 *
 * @param path of the file that holds certificate and sealed key
 * @param machine see {@link CertificateAuthority.createRoot}
 * @throws RaypherError of a vault that cannot be opened: then the root is left as it is
 */
export async function openAuthority(
  path: string,
  vault: KeyVault,
  machine: string,
): Promise<OpenedAuthority> {
  if (!existsSync(path)) return { authority: await create(path, vault, machine), made: 'first' };
  const opened = await open(path, vault);
  if (opened !== 'over' && opened !== 'unreadable') return { authority: opened, made: undefined };
  return { authority: await create(path, vault, machine), made: opened };
}

async function open(path: string, vault: KeyVault): Promise<CertificateAuthority | 'over' | 'unreadable'> {
  let file: z.infer<typeof RootFile>;
  try {
    file = RootFile.parse(JSON.parse(readFileSync(path, 'utf8')));
    if (isOver(file.certificate)) return 'over';
  } catch {
    return 'unreadable';
  }
  let key: Uint8Array;
  try {
    key = await vault.expose(BINDING, file.key);
  } catch (error) {
    // Sealed to a vault that is gone, or changed. Anything else may pass, and is no reason to give the root up.
    if (error instanceof RaypherError && ROOT_IS_LOST.has(error.code)) return 'unreadable';
    throw error;
  }
  try {
    return await CertificateAuthority.open({ certificate: file.certificate, key });
  } catch {
    return 'unreadable';
  } finally {
    key.fill(0);
  }
}

const ROOT_IS_LOST: ReadonlySet<string> = new Set(['vault/sealed-elsewhere', 'vault/damaged']);

async function create(path: string, vault: KeyVault, machine: string): Promise<CertificateAuthority> {
  const root = await CertificateAuthority.createRoot(machine);
  try {
    const key = await vault.protect(BINDING, root.key);
    // Only now: without a vault there would be none at all.
    if (existsSync(path))
      renameSync(path, `${path}.set-aside-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
    writePrivateFile(path, JSON.stringify({ v: 1, certificate: root.certificate, key }));
    return await CertificateAuthority.open(root);
  } finally {
    root.key.fill(0);
  }
}
