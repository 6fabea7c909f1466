import { createHash } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import { uint32 } from '@raypher/shared/attestation';
import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { createSealed, load, nameOf, unseal } from '../../native/tss2-objects.ts';
import { policyCommandCode, policyPcr, startSession, UNSEAL } from '../../native/tss2-sessions.ts';
import type { Sealer } from '../key-provider.ts';
import { openEndorsementKey } from './endorsement-key.ts';
import type { HeldTpm } from './held-tpm.ts';
import { type Pcrs, pcrDigest, pcrNumbers, pcrSelection, readPcrValues } from './pcrs.ts';
import { sealedTemplate } from './public-area.ts';
import { damaged, decodeSealed, encodeSealed, type SealedBlob } from './sealed-blob.ts';
import { deriveStorageKey, findStorageKey } from './storage-key.ts';
import { shortFingerprint, type TpmIdentity } from './tpm-identity.ts';

const MAX_SECRET_BYTES = 64;
/** TPM_CC_* (TPM 2.0 Part 2 §6.5.2). */
const POLICY_COMMAND_CODE = 0x16c;
const POLICY_PCR = 0x17f;
const RESET = '`raypher vault reset` sets this vault aside; then seal its keys again.';

/** Seals under the TPM's storage key: what it gives out is worthless to every other TPM, and after this one is cleared. */
export class TpmSealer implements Sealer {
  readonly bound = 'tpm';
  readonly #held: HeldTpm;
  readonly #identity: TpmIdentity;

  constructor(held: HeldTpm, identity: TpmIdentity) {
    this.#held = held;
    this.#identity = identity;
  }

  seal(secret: Buffer, pcrs: readonly number[]): Buffer {
    if (secret.length === 0 || secret.length > MAX_SECRET_BYTES) {
      throw new RaypherError('request/invalid', `A TPM seals 1 to ${MAX_SECRET_BYTES} bytes here.`);
    }
    return this.#held.use((tpm) => {
      const values = readPcrValues(tpm, pcrNumbers(pcrs));
      // Salted with the endorsement key: the control plane has checked whose that is, and a parent of somebody on the
      // bus would not get past the session's authentication.
      using session = this.#startSealing(tpm);
      using parent = deriveStorageKey(tpm);
      const template = sealedTemplate(policyDigest(values));
      const wrapped = createSealed(tpm, parent, session, template, secret);
      const { fingerprint } = this.#identity.endorsementKey;
      return encodeSealed({ ...wrapped, fingerprint, parent: nameOf(tpm, parent), pcrs: values });
    });
  }

  unseal(blob: Buffer): Buffer {
    const sealed = decodeSealed(blob);
    return this.#held.use((tpm) => {
      using parent = findStorageKey(tpm, sealed.parent);
      if (parent === undefined) throw this.#elsewhere(sealed);
      using object = loadSealed(tpm, parent, sealed);
      const changed = changedPcrs(sealed.pcrs, readPcrValues(tpm, [...sealed.pcrs.keys()]));
      if (changed.length > 0) throw stateChanged(changed);
      // The name of the parent was checked, so the salt is for the key that the data was wrapped with.
      using policy = startSession(tpm, 'policy', parent, 'answers');
      if (sealed.pcrs.size > 0) policyPcr(tpm, policy, pcrSelection([...sealed.pcrs.keys()]));
      policyCommandCode(tpm, policy, UNSEAL);
      return unseal(tpm, object, policy);
    });
  }

  /** The endorsement key is in a slot only as long as the salt is made: a TPM has three. */
  #startSealing(tpm: Tpm): TpmHandle {
    using endorsement = openEndorsementKey(tpm, this.#identity.endorsementKey);
    return startSession(tpm, 'hmac', endorsement, 'both');
  }

  #elsewhere({ fingerprint }: SealedBlob): RaypherError {
    const here = this.#identity.endorsementKey.fingerprint;
    const why =
      fingerprint === here
        ? 'The TPM was cleared after this vault was sealed: what was sealed to it is lost for good.'
        : `This vault was sealed to the TPM ${shortFingerprint(fingerprint)}; this machine has ${shortFingerprint(here)}.`;
    return new RaypherError('vault/sealed-elsewhere', why, {
      hint: RESET,
      details: { sealedTo: fingerprint, here },
    });
  }
}

/** Only TPM2_Unseal, and only while PCRs are as they were (Part 3 §23.7, §23.11): computed as the TPM does. */
function policyDigest(pcrs: Pcrs): Buffer {
  const start = Buffer.alloc(32);
  const selection = pcrSelection([...pcrs.keys()]);
  const state = pcrs.size === 0 ? start : sha256(start, uint32(POLICY_PCR), selection, pcrDigest(pcrs));
  return sha256(state, uint32(POLICY_COMMAND_CODE), uint32(UNSEAL));
}

function loadSealed(tpm: Tpm, parent: TpmHandle, sealed: SealedBlob): TpmHandle {
  try {
    return load(tpm, parent, sealed);
  } catch (cause) {
    // The parent is the right one: so it is the data that the TPM does not recognise.
    const isRefused = cause instanceof RaypherError && ['tpm/cleared', 'tpm/refused'].includes(cause.code);
    throw isRefused ? damaged(cause) : cause;
  }
}

function changedPcrs(before: Pcrs, now: Pcrs): number[] {
  return [...before].filter(([pcr, value]) => now.get(pcr)?.equals(value) !== true).map(([pcr]) => pcr);
}

function stateChanged(changed: readonly number[]): RaypherError {
  const which = `PCR${changed.length === 1 ? '' : 's'} ${changed.join(', ')}`;
  return new RaypherError(
    'tpm/policy',
    `This machine did not start in the state that the vault is bound to: ${which} changed.`,
    {
      hint: `Undo the change. After one that was meant: ${RESET} Before the next planned one: \`raypher vault rebind\`.`,
      details: { changed: [...changed] },
    },
  );
}

function sha256(...parts: readonly Buffer[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}
