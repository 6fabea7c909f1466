import { uint32, WireReader } from '@raypher/shared/attestation';
import type { Tpm } from '../../native/tss2.ts';
import { readCapability } from '../../native/tss2-state.ts';

/** TPM_PT_* (TPM 2.0 Part 2 §6.13). */
const MANUFACTURER = 0x105;
const FIRMWARE_1 = 0x10b;
const FIRMWARE_2 = 0x10c;
const NV_BUFFER_MAX = 0x12c;

/** @returns undefined when this TPM has no such property */
function property(tpm: Tpm, wanted: number): number | undefined {
  const list = new WireReader(readCapability(tpm, 'properties', wanted, 1));
  // A TPM that lacks a property answers with the next one it has.
  return list.uint32() > 0 && list.uint32() === wanted ? list.uint32() : undefined;
}

/** The vendor id of four letters that the TCG gave the maker, such as "INTC", without padding. */
export function manufacturerId(tpm: Tpm): string {
  return uint32(property(tpm, MANUFACTURER) ?? 0)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '')
    .trim();
}

/** Four numbers of 16 bits, as makers write them: "7.85.4555.0". */
export function firmwareVersion(tpm: Tpm): string {
  return [FIRMWARE_1, FIRMWARE_2]
    .map((number) => property(tpm, number) ?? 0)
    .flatMap((half) => [half >>> 16, half & 0xffff])
    .join('.');
}

/** How many bytes of an NV index can be read at once. */
export function nvBufferMax(tpm: Tpm): number {
  return property(tpm, NV_BUFFER_MAX) ?? 512;
}

/** @returns the handles that exist from `first` to `last`, in order */
export function handlesBetween(tpm: Tpm, first: number, last: number): number[] {
  const list = new WireReader(readCapability(tpm, 'handles', first, last - first + 1));
  return Array.from({ length: list.uint32() }, () => list.uint32()).filter((handle) => handle <= last);
}
