import { z } from 'zod';
import { canonicalBytes } from '../canonical.ts';
import { equalBytes } from '../merkle/equal-bytes.ts';
import { ControlEntry } from './control-entry.ts';
import { HexHash } from './lines.ts';

/** What the chain of a device is made of; everything else in an entry is not the verifier's business. */
const DeviceEntry = z.looseObject({
  v: z.literal(1),
  /** Control entries have this key. */
  entry: z.never().optional(),
  organisation: z.uuid(),
  device: z.uuid(),
  seq: z.int().min(1),
  prev: HexHash,
  private: HexHash.optional(),
  type: z.unknown(),
  data: z.unknown(),
});
export type DeviceEntry = z.infer<typeof DeviceEntry>;

export type ReadEntry =
  | { readonly kind: 'device'; readonly entry: DeviceEntry; readonly isCanonical: boolean }
  | { readonly kind: 'control'; readonly entry: ControlEntry; readonly isCanonical: boolean }
  | { readonly kind: 'unreadable' };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a leaf. `isCanonical` says whether it is the only way to write what it says (RFC 8785). */
export function readEntry(bytes: Uint8Array): ReadEntry {
  const value = parse(bytes);
  const device = DeviceEntry.safeParse(value);
  if (device.success) return { kind: 'device', entry: device.data, isCanonical: isCanonical(value, bytes) };
  const control = ControlEntry.safeParse(value);
  if (control.success)
    return { kind: 'control', entry: control.data, isCanonical: isCanonical(value, bytes) };
  return { kind: 'unreadable' };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

function isCanonical(value: unknown, bytes: Uint8Array): boolean {
  try {
    return equalBytes(canonicalBytes(value), bytes);
  } catch {
    return false;
  }
}
