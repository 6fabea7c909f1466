import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { base64, hex, readVectors } from '../vectors.test-support.ts';
import { leafHash } from './hash.ts';
import { verifyConsistency } from './verify-consistency.ts';
import { verifyInclusion } from './verify-inclusion.ts';

const Base64 = z
  .string()
  .nullish()
  .transform((text) => base64(text ?? ''));
const Proof = z
  .array(Base64)
  .nullish()
  .transform((proof) => proof ?? []);
const Hex = z.string().transform(hex);

describe('vectors of transparency-dev/merkle', () => {
  const inclusion = readVectors(
    'inclusion.json',
    z.object({
      vectors: z.array(
        z.object({
          file: z.string(),
          leafIdx: z.number(),
          treeSize: z.number(),
          root: Base64,
          leafHash: Base64,
          proof: Proof,
          wantErr: z.boolean(),
        }),
      ),
    }),
  ).vectors;
  const consistency = readVectors(
    'consistency.json',
    z.object({
      vectors: z.array(
        z.object({
          file: z.string(),
          size1: z.number(),
          size2: z.number(),
          root1: Base64,
          root2: Base64,
          proof: Proof,
          wantErr: z.boolean(),
        }),
      ),
    }),
  ).vectors;

  it('are all there', () => expect([inclusion.length, consistency.length]).toEqual([98, 98]));

  it.each(inclusion)('$file', ({ leafIdx, treeSize, root, leafHash, proof, wantErr }) => {
    const claim = { index: leafIdx, size: treeSize, leaf: leafHash, proof, root };
    expect(verifyInclusion(claim)).toBe(!wantErr);
  });

  it.each(consistency)('$file', ({ size1, size2, root1, root2, proof, wantErr }) => {
    const claim = { from: size1, to: size2, proof, fromRoot: root1, toRoot: root2 };
    expect(verifyConsistency(claim)).toBe(!wantErr);
  });
});

describe('logs that others run', () => {
  const ct = readVectors(
    'ct-reference.json',
    z.object({
      consistency: z
        .array(
          z.object({ size1: z.number(), size2: z.number(), root1: Hex, root2: Hex, proof: z.array(Hex) }),
        )
        .min(1),
      realLogInclusion: z.object({
        rawLeaf: Hex,
        leafHash: Hex,
        leafIndex: z.number(),
        treeSize: z.number(),
        root: Hex,
        proof: z.array(Hex),
      }),
    }),
  );
  const { inclusion } = readVectors(
    'rekor.json',
    z.object({
      inclusion: z.object({
        rawLeafBase64: Base64,
        leafIndex: z.number(),
        treeSize: z.number(),
        rootHex: Hex,
        proofHex: z.array(Hex),
      }),
    }),
  );

  it.each(ct.consistency)('Certificate Transparency, from $size1 to $size2', (one) => {
    const { size1, size2, root1, root2, proof } = one;
    const claim = { from: size1, to: size2, proof, fromRoot: root1, toRoot: root2 };
    expect(verifyConsistency(claim)).toBe(true);
  });

  it('an entry of a log of Certificate Transparency', () => {
    const { rawLeaf, leafIndex, treeSize, root, proof } = ct.realLogInclusion;
    const claim = { index: leafIndex, size: treeSize, leaf: leafHash(rawLeaf), proof, root };
    expect(verifyInclusion(claim)).toBe(true);
    expect(verifyInclusion({ ...claim, index: leafIndex - 1 })).toBe(false);
  });

  it('an entry of Rekor', () => {
    const { rawLeafBase64, leafIndex, treeSize, rootHex, proofHex } = inclusion;
    const claim = {
      index: leafIndex,
      size: treeSize,
      leaf: leafHash(rawLeafBase64),
      proof: proofHex,
      root: rootHex,
    };
    expect(verifyInclusion(claim)).toBe(true);
    expect(verifyInclusion({ ...claim, leaf: leafHash(rootHex) })).toBe(false);
  });
});
