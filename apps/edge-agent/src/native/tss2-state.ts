import { EMPTY_PASSWORD, HIERARCHIES, NO_SESSIONS, type Tpm, type TpmHandle } from './tss2.ts';

/** Capability groups (TPM 2.0 Part 2 §6.12). */
const CAPABILITIES = { handles: 1, properties: 6 } as const;

/**
 * @param property the first one wanted
 * @returns TPMS_CAPABILITY_DATA without its selector: a counted list
 */
export function readCapability(
  tpm: Tpm,
  group: keyof typeof CAPABILITIES,
  property: number,
  count: number,
): Buffer {
  const parameters = [...NO_SESSIONS, CAPABILITIES[group], property, count];
  const results = ['number', 'TPMS_CAPABILITY_DATA'] as const;
  const [, data] = tpm.call('GetCapability', 'say what it is', parameters, results);
  return data.subarray(4);
}

/** @returns TPMS_NV_PUBLIC */
export function readNvPublic(tpm: Tpm, index: TpmHandle): Buffer {
  const [publicArea] = tpm.call(
    'NV_ReadPublic',
    'describe an NV index',
    [index.tr, ...NO_SESSIONS],
    ['TPM2B_NV_PUBLIC', 'ignored'],
  );
  return publicArea.subarray(2);
}

/** @param as who reads: the index's own authorisation, or the owner's */
export function readNv(
  tpm: Tpm,
  index: TpmHandle,
  as: 'index' | 'owner',
  size: number,
  offset: number,
): Buffer {
  const authority = as === 'index' ? index.tr : HIERARCHIES.owner;
  const parameters = [authority, index.tr, ...EMPTY_PASSWORD, size, offset];
  const [data] = tpm.call('NV_Read', 'read an NV index', parameters, ['TPM2B_MAX_NV_BUFFER']);
  return data.subarray(2);
}

/**
 * Reads as many PCRs as the TPM gives at once, usually eight; ask for the rest.
 *
 * @param pcrs TPML_PCR_SELECTION
 * @returns what was read (TPML_PCR_SELECTION), its values (TPML_DIGEST), and how often PCRs changed so far
 */
export function readPcrs(tpm: Tpm, pcrs: Buffer): { counter: number; read: Buffer; values: Buffer } {
  const [counter, read, values] = tpm.call(
    'PCR_Read',
    'show the state of this machine',
    [...NO_SESSIONS, tpm.toC('TPML_PCR_SELECTION', pcrs)],
    ['number', 'TPML_PCR_SELECTION', 'TPML_DIGEST'],
  );
  return { counter, read, values };
}
