import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { createPrimary, nameOf, readPublic } from '../../native/tss2-objects.ts';
import { handlesBetween } from './capabilities.ts';
import { isStorageKey, STORAGE_TEMPLATE } from './public-area.ts';

/** Where the TPM 2.0 Provisioning Guidance (§7.8) keeps the storage root key, when somebody made it persistent. */
const PERSISTENT = 0x81000001;

/** The key that everything sealed to this TPM is wrapped with: derived, or at its handle, which spares that. */
export function openStorageKey(tpm: Tpm): TpmHandle {
  const kept = openKept(tpm);
  if (kept !== undefined && isStorageKey(readPublic(tpm, kept))) return kept;
  kept?.[Symbol.dispose]();
  return createPrimary(tpm, 'owner', STORAGE_TEMPLATE);
}

/** @returns the storage key with this name, wherever it is; undefined when this TPM has another one, or a new one */
export function findStorageKey(tpm: Tpm, name: Buffer): TpmHandle | undefined {
  const kept = openKept(tpm);
  if (kept !== undefined && nameOf(tpm, kept).equals(name)) return kept;
  kept?.[Symbol.dispose]();
  const derived = createPrimary(tpm, 'owner', STORAGE_TEMPLATE);
  if (nameOf(tpm, derived).equals(name)) return derived;
  derived[Symbol.dispose]();
  return undefined;
}

function openKept(tpm: Tpm): TpmHandle | undefined {
  return handlesBetween(tpm, PERSISTENT, PERSISTENT).length > 0 ? tpm.at(PERSISTENT) : undefined;
}
