import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { naiveRoot, numberedLeaves } from '../merkle/naive-tree.test-support.ts';
import { verifyConsistency } from '../merkle/verify-consistency.ts';
import { verifyInclusion } from '../merkle/verify-inclusion.ts';
import { nodePrimitives } from '../node/node-primitives.ts';
import { proveConsistency, proveInclusion, type ReadTiles, rootAt } from './prove.ts';
import { TileStore } from './tile-store.test-support.ts';

const LEAVES = numberedLeaves(66_500);
const store = new TileStore();
const { sha256 } = nodePrimitives;

/** Roots are what the definition says, not what our frontier says. */
const roots = new Map<number, Uint8Array>();
function rootOf(size: number): Uint8Array {
  const root = roots.get(size) ?? naiveRoot(LEAVES.slice(0, size));
  roots.set(size, root);
  return root;
}

const leafAt = (index: number) => LEAVES[index] ?? new Uint8Array(32);
const inclusion = async (index: number, size: number) => ({
  index,
  size,
  leaf: leafAt(index),
  proof: await proveInclusion(index, size, store.readTiles, sha256),
  root: rootOf(size),
});
const consistency = async (from: number, to: number) => ({
  from,
  to,
  proof: await proveConsistency(from, to, store.readTiles, sha256),
  fromRoot: rootOf(from),
  toRoot: rootOf(to),
});

beforeAll(async () => {
  await store.grow(LEAVES);
});

describe('proofs from tiles', () => {
  it('verify for every entry of every log up to 130', async () => {
    for (let size = 1; size <= 130; size += 1) {
      for (let index = 0; index < size; index += 1) {
        expect(verifyInclusion(await inclusion(index, size), sha256)).toBe(true);
      }
    }
  });

  it('verify between every two logs up to 130', async () => {
    for (let to = 1; to <= 130; to += 1) {
      for (let from = 1; from <= to; from += 1) {
        expect(verifyConsistency(await consistency(from, to), sha256)).toBe(true);
      }
    }
  });

  it('verify in large logs, with one question for each', async () => {
    // Not any sizes: what takes long is to find their roots by the definition.
    const size = fc.constantFrom(1, 255, 257, 4_096, 5_001, 65_535, 65_536, 65_537, LEAVES.length);
    await fc.assert(
      fc.asyncProperty(size, size, fc.nat(), async (one, other, at) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        store.questions = 0;
        expect(verifyConsistency(await consistency(from, to), sha256)).toBe(true);
        expect(verifyInclusion(await inclusion(at % to, to), sha256)).toBe(true);
        expect(store.questions).toBeLessThanOrEqual(2);
      }),
      { numRuns: 40 },
    );
  });

  it('verify no more when anything about them is wrong', async () => {
    const size = fc.integer({ min: 2, max: 700 });
    await fc.assert(
      fc.asyncProperty(
        size,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (to, at, bit, flip) => {
          const claim = await inclusion(at % to, to);
          const spoiled = spoil(claim.proof, bit, flip);
          expect(verifyInclusion({ ...claim, proof: spoiled }, sha256)).toBe(false);
          expect(verifyInclusion({ ...claim, proof: claim.proof.slice(1) }, sha256)).toBe(false);
          expect(verifyInclusion({ ...claim, proof: [...claim.proof, claim.root] }, sha256)).toBe(false);
          expect(verifyInclusion({ ...claim, index: (claim.index + 1) % to }, sha256)).toBe(false);
          expect(verifyInclusion({ ...claim, leaf: leafAt(to) }, sha256)).toBe(false);
          expect(verifyInclusion({ ...claim, root: rootOf(to - 1) }, sha256)).toBe(false);

          const growth = await consistency(1 + (at % (to - 1)), to);
          expect(verifyConsistency({ ...growth, proof: spoil(growth.proof, bit, flip) }, sha256)).toBe(false);
          expect(verifyConsistency({ ...growth, proof: growth.proof.slice(1) }, sha256)).toBe(false);
          expect(verifyConsistency({ ...growth, fromRoot: leafAt(to) }, sha256)).toBe(false);
          expect(verifyConsistency({ ...growth, toRoot: leafAt(to) }, sha256)).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are the same from tiles that are read anew, and from those of a larger log', async () => {
    const anew: ReadTiles = async (ids) => (await store.readTiles(ids)).map((tile) => Uint8Array.from(tile));
    for (const [index, size] of [
      [0, 300],
      [299, 300],
      [65_000, 65_537],
      [700, 66_000],
    ] as const) {
      const proof = await proveInclusion(index, size, store.readTiles, sha256);
      expect(await proveInclusion(index, size, anew, sha256)).toEqual(proof);
      expect(verifyInclusion({ index, size, leaf: leafAt(index), proof, root: rootOf(size) }, sha256)).toBe(
        true,
      );
    }
  });

  it('exist for no entry that is not there', async () => {
    await expect(proveInclusion(5, 5, store.readTiles)).rejects.toThrow(RangeError);
    await expect(proveInclusion(0, 2 ** 53, store.readTiles)).rejects.toThrow(RangeError);
    await expect(proveConsistency(6, 5, store.readTiles)).rejects.toThrow(RangeError);
    expect(await proveConsistency(0, 5, store.readTiles)).toEqual([]);
    expect(await proveConsistency(5, 5, store.readTiles)).toEqual([]);
  });

  it('are not made of a tile that is too short', async () => {
    await expect(proveInclusion(0, 300, async () => [])).rejects.toMatchObject({ code: 'ledger/malformed' });
  });
});

it('the root that a log had once is that of its first entries alone', async () => {
  for (const size of [0, 1, 2, 3, 255, 256, 257, 700, 65_535, 65_536, 65_537, LEAVES.length]) {
    const root = await rootAt(size, LEAVES.length, store.readTiles, sha256);
    expect(Buffer.from(root)).toEqual(Buffer.from(rootOf(size)));
  }
  await expect(rootAt(6, 5, store.readTiles)).rejects.toThrow(RangeError);
  await expect(rootAt(5, 300, async () => [])).rejects.toMatchObject({ code: 'ledger/malformed' });
});

/** One byte of one hash is another. */
function spoil(proof: readonly Uint8Array[], at: number, flip: number): Uint8Array[] {
  const hashes = proof.map((hash) => Uint8Array.from(hash));
  const hash = hashes[at % hashes.length];
  if (hash !== undefined) hash[at % 32] = (hash[at % 32] ?? 0) ^ flip;
  return hashes;
}
