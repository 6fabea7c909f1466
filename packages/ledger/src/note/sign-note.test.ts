import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { leafHash } from '../merkle/hash.ts';
import { naiveRoot } from '../merkle/naive-tree.test-support.ts';
import { verifyConsistency } from '../merkle/verify-consistency.ts';
import { nodePrimitives } from '../node/node-primitives.ts';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import { testSigner, testWitness } from '../testing/test-signers.ts';
import { decodeEntryBundle, encodeEntryBundle } from '../tiles/entry-bundle.ts';
import { extendTiles } from '../tiles/extend-tiles.ts';
import { proveConsistency } from '../tiles/prove.ts';
import { TileStore } from '../tiles/tile-store.test-support.ts';
import { base64, readVectors } from '../vectors.test-support.ts';
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { parseNote } from './note.ts';
import { addSignatures, signNote } from './sign-note.ts';
import { parseVerifierKey } from './verifier-key.ts';
import { verifyNote } from './verify-note.ts';

const origin = 'example.com/log';
const text = formatCheckpoint({ origin, size: 3, root: new Uint8Array(32) });

describe('signing a note', () => {
  it('gives one that the keys of its signers verify', async () => {
    const [one, two] = [testSigner(origin), testSigner('example.com/other')];
    const note = await signNote(text, [one.signer, two.signer]);
    const { signedBy, ...rest } = verifyNote(note, [two.key, one.key]);
    expect(signedBy).toEqual([{ key: one.key }, { key: two.key }]);
    expect(rest).toEqual({ text });
    expect(() => verifyNote(note, [testSigner(origin).key])).toThrow();
  });

  it('is refused for what would not read back', async () => {
    const { signer } = testSigner(origin);
    const malformed = { code: 'ledger/malformed' };
    await expect(signNote('no newline', [signer])).rejects.toMatchObject(malformed);
    await expect(signNote('a tab\t\n', [signer])).rejects.toMatchObject(malformed);
    await expect(signNote(text, [])).rejects.toMatchObject(malformed);
    await expect(signNote(text, [{ ...signer, name: 'a b' }])).rejects.toMatchObject(malformed);
  });

  it('takes a cosignature of a witness, which says when', async () => {
    const { signer, key } = testSigner(origin);
    const witness = testWitness('witness.example/w1');
    const time = 1_679_315_147;
    const cosignature = witness.cosign(text, time);
    const note = addSignatures(await signNote(text, [signer]), [cosignature]);
    expect(verifyNote(note, [key, witness.key]).signedBy).toEqual([{ key }, { key: witness.key, time }]);

    const { signatures } = parseNote(note);
    const later = Uint8Array.from(signatures[1]?.signature ?? []);
    later[7] = (later[7] ?? 0) + 1;
    const backdated = addSignatures(await signNote(text, [signer]), [{ ...cosignature, signature: later }]);
    expect(() => verifyNote(backdated, [key, witness.key])).toThrow(
      expect.objectContaining({ code: 'ledger/signature-invalid' }),
    );
  });
});

describe('a checkpoint', () => {
  it('comes back from its text', () => {
    const line = fc.stringMatching(/^[^\p{Cc}]+$/u, { maxLength: 20 });
    const root = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(
        fc.record({
          origin: line,
          size: fc.maxSafeNat(),
          root,
          extensions: fc.array(line, { maxLength: 3 }),
        }),
        (checkpoint: Checkpoint) => {
          expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
        },
      ),
    );
  });

  const root = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
  it.each([
    ['no origin', `\n1\n${root}\n`],
    ['no size', `o\n\n${root}\n`],
    ['a size with a zero in front', `o\n01\n${root}\n`],
    ['a negative size', `o\n-1\n${root}\n`],
    ['a size beyond the safe integers', `o\n9007199254740993\n${root}\n`],
    ['a root that is too short', 'o\n1\nAAAA\n'],
    ['a root that is no base64', `o\n1\n${root}=\n`],
    ['two lines', 'o\n1\n'],
    ['an empty line at its end', `o\n1\n${root}\n\n`],
    ['no newline', `o\n1\n${root}`],
  ])('with %s is refused', (_what, wrong) => {
    expect(() => parseCheckpoint(wrong)).toThrow(expect.objectContaining({ code: 'ledger/malformed' }));
  });
});

describe('the log of Tessera', () => {
  const log = readVectors(
    'tiled-log.json',
    z.object({
      vkey: z.string(),
      entries: z.array(z.string()).length(15),
      checkpointBySize: z.record(z.string(), z.string()),
      level0TileBySize: z.record(z.string(), z.string()),
      entryBundleBySize: z.record(z.string(), z.string()),
    }),
  );
  const key = parseVerifierKey(log.vkey);
  const entries = log.entries.map((entry) => new Uint8Array(Buffer.from(entry)));
  const heads = Object.values(log.checkpointBySize).map((note) =>
    parseCheckpoint(verifyNote(note, [key]).text),
  );

  it('is reproduced byte for byte at each of its sizes: tiles, bundles, roots', async () => {
    expect(heads.map(({ size }) => size)).toEqual([...Array(16).keys()]);
    const store = new TileStore();
    for (const head of heads) {
      const { size, root } = await store.grow(
        entries.slice(store.size, head.size).map((entry) => leafHash(entry)),
      );
      expect({ ...head, root: Buffer.from(head.root) }).toMatchObject({ size, root: Buffer.from(root) });
      if (size === 0) continue;
      const tile = await store.readTile({ level: 0, index: 0, width: size });
      expect(Buffer.from(tile).toString('base64')).toBe(log.level0TileBySize[size]);
      const bundle = encodeEntryBundle(entries.slice(0, size));
      expect(Buffer.from(bundle).toString('base64')).toBe(log.entryBundleBySize[size]);
      expect(decodeEntryBundle(base64(log.entryBundleBySize[size] ?? ''))).toHaveLength(size);
    }
  });

  it('has checkpoints that are each the beginning of the next', async () => {
    const store = new TileStore();
    await store.grow(entries.map((entry) => leafHash(entry)));
    for (const [at, from] of heads.entries()) {
      for (const to of heads.slice(at)) {
        if (from.size === 0) continue;
        const proof = await proveConsistency(from.size, to.size, store.readTiles);
        const claim = { from: from.size, to: to.size, proof, fromRoot: from.root, toRoot: to.root };
        expect(verifyConsistency(claim)).toBe(true);
      }
    }
  });

  it('has the roots that RFC 6962 defines', async () => {
    const leaves = entries.map((entry) => leafHash(entry));
    for (const { size, root } of heads) {
      expect(Buffer.from(root)).toEqual(Buffer.from(naiveRoot(leaves.slice(0, size))));
      const { root: ours } = await extendTiles({
        size: 0,
        leaves: leaves.slice(0, size),
        readTile: new TileStore().readTile,
      });
      expect(Buffer.from(ours)).toEqual(Buffer.from(root));
    }
  });
});

describe('signatures in JavaScript and by OpenSSL', () => {
  const message = new Uint8Array(Buffer.from('what is signed'));
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed25519 = generateKeyPairSync('ed25519');
  const spki = new Uint8Array(p256.publicKey.export({ format: 'der', type: 'spki' }));
  const raw = new Uint8Array(ed25519.publicKey.export({ format: 'der', type: 'spki' })).slice(-32);

  it('are valid for both or for neither, whichever byte is another', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom('set', 'cut', 'add'));
    fc.assert(
      fc.property(change, ([at, byte, how]) => {
        for (const [verify, key, signature] of [
          ['verifyP256', spki, new Uint8Array(sign('sha256', message, p256.privateKey))],
          ['verifyEd25519', raw, new Uint8Array(sign(null, message, ed25519.privateKey))],
        ] as const) {
          expect(portablePrimitives[verify](key, message, signature)).toBe(true);
          expect(nodePrimitives[verify](key, message, signature)).toBe(true);
          const changed = changedAt(signature, at, byte, how);
          expect(portablePrimitives[verify](key, message, changed)).toBe(
            nodePrimitives[verify](key, message, changed),
          );
        }
      }),
      { numRuns: 60 },
    );
  });
});

function changedAt(bytes: Uint8Array, at: number, byte: number, how: 'set' | 'cut' | 'add'): Uint8Array {
  const changed = [...bytes];
  if (how === 'set') changed[at % changed.length] = byte;
  if (how === 'cut') changed.splice(at % changed.length, 1);
  if (how === 'add') changed.splice(at % changed.length, 0, byte);
  return Uint8Array.from(changed);
}
