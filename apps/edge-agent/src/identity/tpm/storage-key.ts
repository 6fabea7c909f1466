import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { createPrimary, nameOf } from '../../native/tss2-objects.ts';
import { handlesBetween } from './capabilities.ts';
import { STORAGE_TEMPLATE } from './public-area.ts';

/** Where the TPM 2.0 Provisioning Guidance (§7.8) keeps the storage root key, when somebody made it persistent. */
const PERSISTENT = 0x81000001;

/**
 * The key that everything sealed to this TPM is wrapped with. Derived, so that it comes back whatever somebody makes
 * persistent, or takes away.
 */
export function deriveStorageKey(tpm: Tpm): TpmHandle {
  return createPrimary(tpm, 'owner', STORAGE_TEMPLATE);
}

/**
 * Opens the storage key with this name: the one at the usual handle when it is that one, which spares deriving it.
 *
 * @returns undefined when this TPM has another one, or a new one
 */
export function findStorageKey(tpm: Tpm, name: Buffer): TpmHandle | undefined {
  if (handlesBetween(tpm, PERSISTENT, PERSISTENT).length > 0) {
    const kept = tpm.at(PERSISTENT);
    if (nameOf(tpm, kept).equals(name)) return kept;
    kept[Symbol.dispose]();
  }
  const derived = deriveStorageKey(tpm);
  if (nameOf(tpm, derived).equals(name)) return derived;
  derived[Symbol.dispose]();
  return undefined;
}
