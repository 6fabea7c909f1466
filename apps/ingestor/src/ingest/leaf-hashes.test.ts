import { describe, expect, it } from 'vitest';
import { leafHashes } from './leaf-hashes.ts';

/** Leaves of the tree that implementations of RFC 6962 test with, and their hashes. */
const REFERENCE = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'],
  ['10', '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7'],
];

describe('leaf hashes', () => {
  it('are those of RFC 6962, one after the other', () => {
    const hashes = leafHashes(REFERENCE.map(([leaf = '']) => Buffer.from(leaf, 'hex')));
    expect(Buffer.from(hashes).toString('hex')).toBe(REFERENCE.map(([, hash]) => hash).join(''));
  });
});
