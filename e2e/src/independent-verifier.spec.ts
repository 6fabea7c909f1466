import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { fromBase64 } from './independent/base64.ts';
import { canonicalJson } from './independent/canonical-json.ts';
import { openCheckpoint } from './independent/signed-note.ts';
import { GrowingTree, hashLeaf } from './independent/tree.ts';

/** What others publish to test with; see the folder's README for sources and licences. */
function vectors<T>(name: string): T {
  const file = new URL(`../../packages/ledger/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as T; // the shape that each test names
}

interface ReferenceTree {
  leafInputs: string[];
  rootHashBySize: string[];
}

interface TiledLog {
  vkey: string;
  entries: string[];
  checkpointBySize: Record<string, string>;
}

test.describe('the verifier that shares no code with the product', () => {
  test('builds the tree of the tests of Certificate Transparency', () => {
    const { leafInputs, rootHashBySize } = vectors<ReferenceTree>('reference-tree');
    const tree = new GrowingTree();
    expect(tree.root().toString('hex')).toBe(rootHashBySize[0]);
    for (const [at, leaf] of leafInputs.entries()) {
      tree.add(hashLeaf(Buffer.from(leaf, 'hex')));
      expect(tree.root().toString('hex')).toBe(rootHashBySize[at + 1]);
    }
  });

  test('opens every checkpoint of a log that another program wrote, and finds its roots', () => {
    const { vkey, entries, checkpointBySize } = vectors<TiledLog>('tiled-log');
    const tree = new GrowingTree();
    for (let size = 0; size <= entries.length; size += 1) {
      if (size > 0) tree.add(hashLeaf(Buffer.from(entries[size - 1] ?? '')));
      const { root, ...checkpoint } = openCheckpoint(checkpointBySize[size] ?? '', vkey);
      expect(checkpoint.size).toBe(size);
      expect(tree.root().equals(root)).toBe(true);
    }
  });

  test('refuses a checkpoint of another key, and one that was changed', () => {
    const { vkey, checkpointBySize } = vectors<TiledLog>('tiled-log');
    const note = checkpointBySize[3] ?? '';
    expect(() => openCheckpoint(note.replace('\n3\n', '\n4\n'), vkey)).toThrow(/not over this note/);
    expect(() => openCheckpoint(note, vkey.replace('+33d7b496+', '+33d7b497+'))).toThrow(/another hash/);
  });

  test('takes one text in base64 for some bytes, and no other', () => {
    expect(fromBase64('Kg==').toString('hex')).toBe('2a');
    for (const other of ['Kh==', 'Kg', 'Kg=<', 'K g==', 'Kg==\n', 'K-==']) {
      expect(() => fromBase64(other), other).toThrow(/not base64/);
    }
  });

  test('writes JSON in the form of RFC 8785', () => {
    // RFC 8785 §3.2.3, sorting by UTF-16 code units.
    const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
    expect(Object.keys(JSON.parse(canonicalJson(keys)))).toHaveLength(7);
    expect(canonicalJson(keys)).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    );
    expect(canonicalJson([1e21, 0.000001, -0, JSON.parse('333333333.33333329')])).toBe(
      '[1e+21,0.000001,0,333333333.3333333]',
    );
  });
});
