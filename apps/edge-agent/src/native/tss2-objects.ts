import { sized } from '@raypher/shared/attestation';
import {
  EMPTY_PASSWORD,
  HIERARCHIES,
  type Hierarchy,
  NO_SESSIONS,
  NONE,
  type Tpm,
  type TpmHandle,
} from './tss2.ts';

const EMPTY = Buffer.alloc(0);
const NO_PCRS = Buffer.alloc(4);

/** What a TPM gives out of an object that it does not keep: worthless to every other TPM. */
export interface WrappedObject {
  /** TPMT_PUBLIC. */
  publicArea: Buffer;
  /** The content of TPM2B_PRIVATE, encrypted under the parent. */
  privateArea: Buffer;
}

/**
 * Derives the primary key that a template describes from the hierarchy's seed: always the same one.
 *
 * @param template TPMT_PUBLIC
 */
export function createPrimary(tpm: Tpm, hierarchy: Hierarchy, template: Buffer): TpmHandle {
  const parameters = [HIERARCHIES[hierarchy], ...EMPTY_PASSWORD, ...creation(tpm, EMPTY, template)];
  const results = ['handle', 'ignored', 'ignored', 'ignored', 'ignored'] as const;
  const [tr] = tpm.call('CreatePrimary', 'make a primary key', parameters, results);
  return tpm.flushed(tr);
}

/**
 * Has the TPM wrap data under a parent (Part 3 §12.1).
 *
 * @param session an HMAC session that encrypts commands: the data is a parameter
 * @param template TPMT_PUBLIC of a sealed data object
 */
export function createSealed(
  tpm: Tpm,
  parent: TpmHandle,
  session: TpmHandle,
  template: Buffer,
  data: Buffer,
): WrappedObject {
  const parts = creation(tpm, data, template);
  try {
    const [privateArea, publicArea] = tpm.call(
      'Create',
      'seal data',
      [parent.tr, session.tr, NONE, NONE, ...parts],
      ['TPM2B_PRIVATE', 'TPM2B_PUBLIC', 'ignored', 'ignored', 'ignored'],
    );
    return { publicArea: publicArea.subarray(2), privateArea: privateArea.subarray(2) };
  } finally {
    parts[0].fill(0);
  }
}

/** Puts an object that the TPM gave out back into a slot. @throws RaypherError `tpm/cleared` under another parent */
export function load(tpm: Tpm, parent: TpmHandle, { publicArea, privateArea }: WrappedObject): TpmHandle {
  const parameters = [
    ...[parent.tr, ...EMPTY_PASSWORD],
    tpm.toC('TPM2B_PRIVATE', sized(privateArea)),
    tpm.toC('TPM2B_PUBLIC', sized(publicArea)),
  ];
  const [tr] = tpm.call('Load', 'load an object', parameters, ['handle']);
  return tpm.flushed(tr);
}

/** @param session a policy session that fulfils the object's policy and encrypts answers */
export function unseal(tpm: Tpm, object: TpmHandle, session: TpmHandle): Buffer {
  const parameters = [object.tr, session.tr, NONE, NONE];
  const [data] = tpm.call('Unseal', 'unseal data', parameters, ['TPM2B_SENSITIVE_DATA']);
  return data.subarray(2);
}

/** @returns TPMT_PUBLIC */
export function readPublic(tpm: Tpm, object: TpmHandle): Buffer {
  const [publicArea] = tpm.call(
    'ReadPublic',
    'show a public key',
    [object.tr, ...NO_SESSIONS],
    ['TPM2B_PUBLIC', 'ignored', 'ignored'],
  );
  return publicArea.subarray(2);
}

/**
 * The name of an object, computed from the very public area that sessions are salted with. Nothing is asked: what is on
 * the bus cannot answer otherwise this time than when the handle was made.
 */
export function nameOf(tpm: Tpm, object: TpmHandle): Buffer {
  const [name] = tpm.call('TR_GetName', 'name an object', [object.tr], ['TPM2B_NAME']);
  return name.subarray(2);
}

/** The secret part (no password, and data where there is any), the template, and nothing for the record. */
function creation(tpm: Tpm, data: Buffer, template: Buffer): [Buffer, Buffer, Buffer, Buffer] {
  const sensitive = sized(Buffer.concat([sized(EMPTY), sized(data)]));
  try {
    return [
      tpm.toC('TPM2B_SENSITIVE_CREATE', sensitive),
      tpm.toC('TPM2B_PUBLIC', sized(template)),
      tpm.toC('TPM2B_DATA', sized(EMPTY)),
      tpm.toC('TPML_PCR_SELECTION', NO_PCRS),
    ];
  } finally {
    sensitive.fill(0);
  }
}
