import { WireReader } from '@raypher/shared/attestation';
import type { Tpm } from '../../native/tss2.ts';
import { readNv, readNvPublic } from '../../native/tss2-state.ts';
import { handlesBetween, nvBufferMax } from './capabilities.ts';

/** TPMA_NV bits (TPM 2.0 Part 2 §13.4). */
const OWNER_READ = 0x20000;
const AUTH_READ = 0x40000;
const WRITTEN = 0x20000000;

/**
 * The whole content of an NV index.
 *
 * @param handle such as 0x01c00002
 * @returns undefined when there is none, it was never written, or neither its own empty password nor the owner's may
 *   read it
 */
export function readNvIndex(tpm: Tpm, handle: number): Buffer | undefined {
  if (handlesBetween(tpm, handle, handle).length === 0) return undefined;
  using index = tpm.at(handle);
  const { attributes, size } = parseNvPublic(readNvPublic(tpm, index));
  const reader =
    (attributes & AUTH_READ) !== 0 ? 'index' : (attributes & OWNER_READ) !== 0 ? 'owner' : undefined;
  if (reader === undefined || (attributes & WRITTEN) === 0) return undefined;
  const chunk = nvBufferMax(tpm);
  const parts: Buffer[] = [];
  for (let offset = 0; offset < size; offset += chunk) {
    parts.push(readNv(tpm, index, reader, Math.min(chunk, size - offset), offset));
  }
  return Buffer.concat(parts);
}

/** TPMS_NV_PUBLIC (TPM 2.0 Part 2 §13.5): handle, name algorithm, attributes, policy, size. */
function parseNvPublic(bytes: Buffer): { attributes: number; size: number } {
  const reader = new WireReader(bytes);
  reader.uint32();
  reader.uint16();
  const attributes = reader.uint32();
  reader.sized();
  return { attributes, size: reader.uint16() };
}
