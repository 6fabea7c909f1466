import { randomUUID } from 'node:crypto';
import type { PolicyPayload, SignedBundle, StateSlot } from '@raypher/shared';
import { expect, test } from 'vitest';
import { BundleSigner } from '../floor/bundle-signer.ts';
import { BundleVerifier } from './bundle-verifier.ts';

const organisation = randomUUID();
const signer = new BundleSigner();

function policy(revision: number): PolicyPayload {
  return { kind: 'policy', organisation, revision, issuedAt: '2026-11-20T10:00:00.000Z', documents: [] };
}

function verifierFor(...trusted: BundleSigner[]): BundleVerifier {
  const verifier = new BundleVerifier();
  for (const { keyId, publicKey } of trusted) verifier.trust(keyId, publicKey);
  return verifier;
}

function bundleOf({ bundle }: StateSlot): SignedBundle {
  if (bundle === undefined) throw new Error('the signer always makes a bundle');
  return bundle;
}

test('a good bundle opens, the second time as well', () => {
  const verifier = verifierFor(signer);
  const slot = signer.sign(policy(4));
  expect(verifier.open(bundleOf(slot), slot.digest, organisation)).toEqual(policy(4));
  expect(verifier.open(bundleOf(slot), slot.digest, organisation)).toEqual(policy(4));
});

test('what was verified for one organisation is still refused by another', () => {
  const verifier = verifierFor(signer);
  const slot = signer.sign(policy(4));
  verifier.open(bundleOf(slot), slot.digest, organisation);
  expect(() => verifier.open(bundleOf(slot), slot.digest, randomUUID())).toThrow(/another organisation/);
});

test('a good bundle that was seen before lends nothing to a changed one', () => {
  const verifier = verifierFor(signer);
  const slot = signer.sign(policy(4));
  const bundle = bundleOf(slot);
  verifier.open(bundle, slot.digest, organisation);
  const changed = { ...bundle, payload: bundleOf(signer.sign(policy(5))).payload };
  expect(() => verifier.open(changed, undefined, organisation)).toThrow(/signature/);
  expect(() => verifier.open(changed, slot.digest, organisation)).toThrow(/digest/);
  expect(() => verifier.open({ ...bundle, signature: Buffer.alloc(64) }, slot.digest, organisation)).toThrow(
    /signature/,
  );
});

test('a key that is not trusted signs nothing, whatever id it claims', () => {
  const stranger = new BundleSigner();
  const slot = stranger.sign(policy(4));
  expect(() => verifierFor(signer).open(bundleOf(slot), slot.digest, organisation)).toThrow(/signature/);
  const disguised = { ...bundleOf(slot), keyId: signer.keyId };
  expect(() => verifierFor(signer).open(disguised, slot.digest, organisation)).toThrow(/signature/);
});
