import { z } from 'zod';
import { canonicalBytes, sha256Hex } from '../canonical.ts';
import { GENESIS_HASH } from '../chain.ts';
import { Base64, HexHash } from './lines.ts';

/**
 * What the control plane itself records. These entries are a chain of their own in each organisation's log, so that
 * one that is missing is missed.
 */
export const ControlEntry = z.looseObject({
  v: z.literal(1),
  entry: z.literal('control'),
  organisation: z.uuid(),
  /** From 1, no gaps. */
  id: z.int().min(1),
  /** SHA-256 of the previous control entry's bytes; 64 zeros for the first. */
  prev: HexHash,
  at: z.iso.datetime(),
  /** `audit`, `device-key`, `policy`, `freeze`, `command`, `log-key`, and what may come. */
  kind: z.string().min(1).max(64),
  /** SHA-256 of a private part beside the entry. */
  private: HexHash.optional(),
});
export type ControlEntry = z.infer<typeof ControlEntry>;

/** A control entry that commits to the key of a device: from here on its batches are signed with it. */
export const DeviceKeyEntry = ControlEntry.extend({
  kind: z.literal('device-key'),
  device: z.uuid(),
  /** DER of the SPKI. */
  publicKey: Base64,
});
export type DeviceKeyEntry = z.infer<typeof DeviceKeyEntry>;

export interface ControlHead {
  /** Of the last control entry; 0 before the first. */
  id: number;
  hash: string;
}

export const EMPTY_CONTROL_CHAIN: ControlHead = { id: 0, hash: GENESIS_HASH };

/** The next control entry after `head`: the bytes that become a leaf, and the new head. */
export function appendControlEntry(
  head: ControlHead,
  draft: { organisation: string; at: string; kind: string; private?: string } & Record<string, unknown>,
): { bytes: Uint8Array; head: ControlHead } {
  const id = head.id + 1;
  const entry = ControlEntry.parse({ ...draft, v: 1, entry: 'control', id, prev: head.hash });
  const bytes = canonicalBytes(entry);
  return { bytes, head: { id, hash: sha256Hex(bytes) } };
}
