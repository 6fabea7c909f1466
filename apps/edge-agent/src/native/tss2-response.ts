import { type ErrorCode, RaypherError } from '@raypher/shared';

interface Meaning {
  code: ErrorCode;
  /** Completes "The TPM did not …: ". */
  says: string;
  hint?: string;
}

const WAIT = 'Try again in a moment.';
const CLEARED: Meaning = {
  code: 'tpm/cleared',
  says: 'this was made by another TPM, or the TPM has been cleared since',
  hint: 'Enrol this device again.',
};
const GONE: Meaning = {
  code: 'tpm/unavailable',
  says: 'what was loaded into it is gone: it was reset, or another program freed its slots',
  hint: 'Try again: what is needed is loaded again.',
};
const SWITCHED_OFF: Meaning = {
  code: 'tpm/unavailable',
  says: 'the firmware of this machine has switched this part of it off',
  hint: 'Switch the TPM on in the firmware setup, with the storage and endorsement hierarchies.',
};
const SLOTS: Meaning = {
  code: 'tpm/unavailable',
  says: 'all its slots are in use',
  hint: 'Use the kernel’s resource manager, /dev/tpmrm0, and close what else uses the TPM.',
};
const PASSWORD: Meaning = {
  code: 'tpm/permission',
  says: 'it wants a password that this agent does not have',
  hint: 'The owner or endorsement hierarchy has a password: remove it (tpm2_changeauth) or make the key persistent.',
};

/** TPM_RC_FAILURE. */
const FAILURE = 257;

/** Response codes that somebody can do something about, numbered as in TPM 2.0 Part 2 §6.6.3, without position bits. */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  256: { code: 'tpm/unavailable', says: 'it was not started up', hint: 'Restart this machine.' },
  [FAILURE]: {
    code: 'tpm/unavailable',
    says: 'it is in failure mode',
    hint: 'Power this machine off and on; when that does not help, its TPM is broken.',
  },
  133: SWITCHED_OFF,
  142: PASSWORD,
  162: PASSWORD,
  139: { code: 'tpm/cleared', says: 'there is no such object in it', hint: 'Enrol this device again.' },
  157: { code: 'tpm/policy', says: 'the state of this machine is not the one this was bound to' },
  159: CLEARED,
  191: CLEARED,
  288: SWITCHED_OFF,
  296: { code: 'tpm/unavailable', says: 'the state of this machine changed at the same moment', hint: WAIT },
  330: { code: 'tpm/refused', says: 'this NV index was never written' },
  2305: SLOTS,
  2306: SLOTS,
  2307: SLOTS,
  2309: SLOTS,
  2310: SLOTS,
  2312: { code: 'tpm/unavailable', says: 'it is busy', hint: WAIT },
  2313: { code: 'tpm/unavailable', says: 'the command was cancelled', hint: WAIT },
  2320: GONE,
  2321: GONE,
  2322: GONE,
  2328: GONE,
  2329: GONE,
  2330: GONE,
  2336: { code: 'tpm/unavailable', says: 'its memory is written too often', hint: WAIT },
  2337: {
    code: 'tpm/locked-out',
    says: 'it refuses passwords after too many wrong ones',
    hint: 'Wait until it recovers, or reset it with the lockout password (tpm2_dictionarylockout --clear-lockout).',
  },
  2338: { code: 'tpm/unavailable', says: 'it is busy', hint: WAIT },
  2339: { code: 'tpm/unavailable', says: 'its memory is not accessible', hint: WAIT },
};

/** Layers above the TPM in bits 16 to 23 (TSS 2.0 Overview §3.5). */
const LAYERS: Readonly<Record<number, string>> = {
  6: 'feature API',
  7: 'ESYS',
  8: 'SYS',
  9: 'marshalling',
  10: 'transport',
  11: 'resource manager',
  12: 'resource manager',
};
const TRANSPORT = 10;

/**
 * The number of a TPM's answer without handle, session and parameter positions (TPM 2.0 Part 2 §6.6.2): what it means
 * and not where. Also the kernel's resource manager answers in the name of the TPM.
 */
export function responseNumber(response: number): number {
  const number = response & 0xfff;
  return (number & 0x80) === 0 ? number : number & 0xbf;
}

/** @param response a TSS2_RC, not 0 @param task completes "The TPM did not …", such as "make a key" */
export function tpmError(response: number, task: string): RaypherError {
  const layer = (response >>> 16) & 0xff;
  const details = { response: `0x${response.toString(16)}` };
  if (layer === TRANSPORT) {
    return new RaypherError('tpm/absent', `No TPM answered: could not ${task} (${details.response}).`, {
      details,
    });
  }
  const meaning = layer === 0 || layer > TRANSPORT ? MEANINGS[responseNumber(response)] : undefined;
  if (meaning === undefined) {
    const who = LAYERS[layer] === undefined ? 'The TPM' : `The TPM software stack (${LAYERS[layer]})`;
    return new RaypherError('tpm/refused', `${who} did not ${task}: ${details.response}.`, {
      hint: `tpm2_rc_decode ${details.response} explains the number.`,
      details,
    });
  }
  return new RaypherError(meaning.code, `The TPM did not ${task}: ${meaning.says} (${details.response}).`, {
    ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
    details,
  });
}

/** Whether nothing answered at all: the way to the TPM is broken, whatever state the TPM is in. */
export function isTransportFailure(response: number): boolean {
  return ((response >>> 16) & 0xff) === TRANSPORT;
}

/** Handles and sessions that the TPM does not have any more (Part 2 §6.6.3: TPM_RC_HANDLE, TPM_RC_REFERENCE_*). */
export function isGone(response: number): boolean {
  const number = responseNumber(response);
  return number === 139 || (number >= 2320 && number <= 2334);
}

/** Whether an error of {@link tpmError} means that what was opened is lost, and opening it again may help. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof RaypherError) || typeof error.details?.response !== 'string') return false;
  const response = Number(error.details.response);
  return isTransportFailure(response) || isGone(response);
}

/** Whether an error of {@link tpmError} means that a slot for objects or sessions is missing (TPM_RC_OBJECT_MEMORY …). */
export function isOutOfSlots(error: unknown): boolean {
  if (!(error instanceof RaypherError) || typeof error.details?.response !== 'string') return false;
  return MEANINGS[responseNumber(Number(error.details.response))] === SLOTS;
}

/**
 * Whether an error of {@link tpmError} is TPM_RC_FAILURE. A TPM in failure mode answers everything with it; some also
 * answer so to what they cannot decrypt.
 */
export function isFailure(error: unknown): boolean {
  if (!(error instanceof RaypherError) || typeof error.details?.response !== 'string') return false;
  return responseNumber(Number(error.details.response)) === FAILURE;
}
