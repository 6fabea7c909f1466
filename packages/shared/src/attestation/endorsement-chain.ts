import type { X509Certificate } from 'node:crypto';

/** A maker's certificate authority that is believed. */
export interface PinnedRoot {
  /** SHA-256 of the certificate (DER), hex. */
  fingerprint: string;
  der: Buffer;
  manufacturer: string;
  kind: 'hardware' | 'virtual';
}

export interface Endorsement {
  class: 'hardware' | 'virtual' | 'unverified';
  /** One sentence. */
  reason: string;
  /** Leaf first. */
  chain: X509Certificate[];
  root: PinnedRoot | null;
}

/** Says who vouches for an endorsement key. */
export function verifyEndorsement(
  { certificate }: { endorsementKey: Buffer; certificate: Buffer | null; chain: Buffer[] },
  _roots: readonly PinnedRoot[],
  _now: Date,
): Endorsement {
  const reason =
    certificate === null
      ? 'Its TPM has no certificate.'
      : 'The certificate of its TPM leads to no maker that is trusted here.';
  return { class: 'unverified', reason, chain: [], root: null };
}
