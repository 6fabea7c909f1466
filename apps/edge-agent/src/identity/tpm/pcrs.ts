import { createHash } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import { uint16, uint32, WireReader } from '@raypher/shared/attestation';
import type { Tpm } from '../../native/tss2.ts';
import { readPcrs } from '../../native/tss2-state.ts';

const SHA256 = 0x000b;
const PCR_COUNT = 24;
const BITMAP_BYTES = PCR_COUNT / 8;
/** A TPM gives eight values at once, and something may be measured between two answers. */
const ATTEMPTS = 5;

/** What a machine measured about itself (TPM 2.0 Part 1 §17): PCR number to its SHA-256 value, ascending. */
export type Pcrs = ReadonlyMap<number, Buffer>;

/** Distinct and ascending, as TPMs count them. @throws RaypherError `request/invalid` for a number that no PCR has */
export function pcrNumbers(wanted: readonly number[]): number[] {
  const wrong = wanted.find((pcr) => !Number.isInteger(pcr) || pcr < 0 || pcr >= PCR_COUNT);
  if (wrong === undefined) return [...new Set(wanted)].sort((a, b) => a - b);
  throw new RaypherError(
    'request/invalid',
    `There is no PCR ${wrong}: they are numbered 0 to ${PCR_COUNT - 1}.`,
  );
}

/** TPML_PCR_SELECTION of the SHA-256 bank. */
export function pcrSelection(numbers: readonly number[]): Buffer {
  const bitmap = Buffer.alloc(BITMAP_BYTES);
  for (const pcr of numbers) bitmap[pcr >> 3] = (bitmap[pcr >> 3] ?? 0) | (1 << (pcr & 7));
  return Buffer.concat([uint32(1), uint16(SHA256), Buffer.from([BITMAP_BYTES]), bitmap]);
}

/**
 * Reads PCRs as they were at one moment.
 *
 * @throws RaypherError `tpm/refused` when this TPM does not keep one of them in its SHA-256 bank
 */
export function readPcrValues(tpm: Tpm, wanted: readonly number[]): Pcrs {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const found = readOnce(tpm, pcrNumbers(wanted));
    if (found !== undefined) return found;
  }
  throw new RaypherError('tpm/unavailable', 'The state of this machine changes too fast to be read.', {
    hint: 'Try again in a moment.',
  });
}

/** @returns undefined when a PCR changed between two answers */
function readOnce(tpm: Tpm, numbers: readonly number[]): Pcrs | undefined {
  const found = new Map<number, Buffer>();
  let first: number | undefined;
  for (let left = numbers; left.length > 0; left = numbers.filter((pcr) => !found.has(pcr))) {
    const { counter, read, values } = readPcrs(tpm, pcrSelection(left));
    first ??= counter;
    if (counter !== first) return undefined;
    const answered = selected(read);
    const list = new WireReader(values);
    const count = list.uint32();
    if (count === 0 || count !== answered.length) {
      throw new RaypherError('tpm/refused', `This TPM keeps no SHA-256 value of PCR ${left[0]}.`, {
        hint: 'Switch its SHA-256 bank on in the firmware setup, or choose other PCRs.',
      });
    }
    for (const pcr of answered) found.set(pcr, list.sized());
  }
  return new Map(numbers.map((pcr) => [pcr, found.get(pcr) ?? Buffer.alloc(0)]));
}

/** The SHA-256 bank's part of a TPML_PCR_SELECTION. */
function selected(selection: Buffer): number[] {
  const reader = new WireReader(selection);
  const numbers: number[] = [];
  for (let banks = reader.uint32(); banks > 0; banks -= 1) {
    const bank = reader.uint16();
    const bitmap = reader.take(reader.take(1).readUInt8());
    if (bank !== SHA256) continue;
    for (let pcr = 0; pcr < bitmap.length * 8; pcr += 1) {
      if (((bitmap[pcr >> 3] ?? 0) & (1 << (pcr & 7))) !== 0) numbers.push(pcr);
    }
  }
  return numbers;
}

/** SHA-256 over the values, in the order of their numbers: what quotes and policies hold. */
export function pcrDigest(pcrs: Pcrs): Buffer {
  return createHash('sha256')
    .update(Buffer.concat([...pcrs.values()]))
    .digest();
}
