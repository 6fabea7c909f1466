import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hex, readVectors } from '../vectors.test-support.ts';
import { Frontier } from './frontier.ts';
import { decodeFrontier, encodeFrontier } from './frontier-bytes.ts';
import { EMPTY_ROOT, leafHash, nodeHash } from './hash.ts';
import { naiveRoot, numberedLeaves } from './naive-tree.test-support.ts';

const frontierOf = (leaves: readonly Uint8Array[]) =>
  leaves.reduce((frontier, leaf) => frontier.append(leaf), Frontier.EMPTY);

describe('hashes', () => {
  const { emptyHash, leafHashes, nodeHashes } = readVectors(
    'ct-reference.json',
    z.object({
      emptyHash: z.string(),
      leafHashes: z.array(z.object({ leaf: z.string(), hash: z.string() })).min(1),
      nodeHashes: z.array(z.object({ left: z.string(), right: z.string(), hash: z.string() })).min(1),
    }),
  );

  it('are those of Certificate Transparency', () => {
    expect(EMPTY_ROOT).toEqual(new Uint8Array(hex(emptyHash)));
    for (const { leaf, hash } of leafHashes) expect(Buffer.from(leafHash(hex(leaf)))).toEqual(hex(hash));
    for (const { left, right, hash } of nodeHashes) {
      expect(Buffer.from(nodeHash(hex(left), hex(right)))).toEqual(hex(hash));
    }
  });

  it('of a leaf and of a node never meet: an inner node is no entry', () => {
    const [left, right] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))];
    expect(leafHash(Uint8Array.from([...left, ...right]))).not.toEqual(nodeHash(left, right));
  });
});

describe('a frontier', () => {
  it('has the roots of the reference tree', () => {
    const { leafInputs, rootHashBySize } = readVectors(
      'reference-tree.json',
      z.object({ leafInputs: z.array(z.string()).length(8), rootHashBySize: z.array(z.string()).length(9) }),
    );
    const leaves = leafInputs.map((leaf) => leafHash(hex(leaf)));
    rootHashBySize.forEach((root, size) => {
      expect(Buffer.from(frontierOf(leaves.slice(0, size)).root())).toEqual(hex(root));
    });
  });

  it('has the root that RFC 6962 defines, at every size up to 300', () => {
    const leaves = numberedLeaves(300);
    let frontier = Frontier.EMPTY;
    for (let size = 0; size <= leaves.length; size += 1) {
      expect(Buffer.from(frontier.root())).toEqual(naiveRoot(leaves.slice(0, size)));
      const next = leaves[size];
      if (next !== undefined) frontier = frontier.append(next);
    }
  });

  it('has it at random sizes and with random leaves', () => {
    const leaf = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(fc.array(leaf, { minLength: 301, maxLength: 3_000 }), (leaves) => {
        expect(Buffer.from(frontierOf(leaves).root())).toEqual(naiveRoot(leaves));
      }),
      { numRuns: 10 },
    );
  });

  it('stays as it was when another grows out of it', () => {
    const [first, second, third] = numberedLeaves(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('no leaves');
    const one = Frontier.EMPTY.append(first);
    const root = one.root();
    expect(one.append(second).root()).not.toEqual(one.append(third).root());
    expect(one.root()).toEqual(root);
  });

  it('comes back from its bytes, and goes on as if nothing had been', () => {
    const leaves = numberedLeaves(260);
    fc.assert(
      fc.property(fc.nat(259), (cut) => {
        const stored = encodeFrontier(frontierOf(leaves.slice(0, cut)));
        const grown = leaves.slice(cut).reduce((one, leaf) => one.append(leaf), decodeFrontier(stored));
        expect(Buffer.from(grown.root())).toEqual(naiveRoot(leaves));
      }),
      { numRuns: 30 },
    );
  });

  it('refuses bytes whose count of hashes is not that of its size', () => {
    const bytes = encodeFrontier(frontierOf(numberedLeaves(13)));
    const another = Uint8Array.from(bytes);
    another[7] = 12;
    const beyond = Uint8Array.from(bytes);
    beyond[0] = 0x80;
    for (const wrong of [
      bytes.subarray(0, -1),
      bytes.subarray(0, -32),
      bytes.subarray(0, 7),
      another,
      beyond,
    ]) {
      expect(() => decodeFrontier(wrong)).toThrow(expect.objectContaining({ code: 'ledger/malformed' }));
    }
  });

  it('does not grow beyond the safe integers', () => {
    const size = Number.MAX_SAFE_INTEGER;
    const full = Frontier.of(
      size,
      Array.from({ length: 53 }, () => new Uint8Array(32)),
    );
    expect(() => full.append(new Uint8Array(32))).toThrow(RangeError);
    expect(() => Frontier.of(size + 1, [new Uint8Array(32)])).toThrow(RangeError);
  });
});
