import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../canonical.ts';
import { leafHash } from '../merkle/hash.ts';
import { nodePrimitives } from '../node/node-primitives.ts';
import { memoryReader } from '../testing/memory-reader.ts';
import { type SampleLog, sampleLog } from '../testing/sample-log.ts';
import { decodeEntryBundle, encodeEntryBundle } from '../tiles/entry-bundle.ts';
import { codes, type Files, json, verify } from './verify-export.test-support.ts';
import { verifyExport } from './verify-export.ts';

describe('whoever changes an export is found out', () => {
  let log: SampleLog;
  let files: Files;

  beforeAll(async () => {
    log = await sampleLog(700);
    files = await log.files();
  });

  const changed = (path: string, change: (bytes: Uint8Array) => Uint8Array): Files =>
    new Map(files).set(path, change(files.get(path) ?? new Uint8Array()));
  const withEntries = (change: (entries: Uint8Array[]) => void): Files =>
    changed('tile/entries/000', (bytes) => {
      const entries = decodeEntryBundle(bytes);
      change(entries);
      return encodeEntryBundle(entries);
    });
  const edited = (bytes: Uint8Array | undefined) =>
    canonicalBytes({ ...json(bytes), at: '2020-01-01T00:00:00.000Z' });

  it('by an edited entry, which is named', async () => {
    const report = await verify(
      log,
      withEntries((entries) => entries.splice(100, 1, edited(entries[100]))),
    );
    expect(report).toMatchObject({ verdict: 'CORRUPTED', faults: { first: { index: 100 } } });
    expect(codes(report)).toContain('leaf-mismatch');
    expect(report.coverage).toMatchObject({ trusted: undefined, witnessed: undefined });
  });

  it('by an entry written in another way, though it says the same', async () => {
    const spaced = (bytes: Uint8Array | undefined) => Buffer.from(JSON.stringify(json(bytes), null, 1));
    const report = await verify(
      log,
      withEntries((entries) => entries.splice(100, 1, spaced(entries[100]))),
    );
    expect(codes(report)).toEqual(expect.arrayContaining(['leaf-mismatch', 'not-canonical']));
  });

  it('by an edited entry whose tile was made to fit', async () => {
    const entry = edited(log.entries[100]);
    const both = withEntries((entries) => entries.splice(100, 1, entry));
    const tile = Uint8Array.from(files.get('tile/0/000') ?? []);
    tile.set(leafHash(entry), 100 * 32);
    const report = await verify(log, both.set('tile/0/000', tile));
    expect(codes(report)).toEqual(
      expect.arrayContaining(['root-mismatch', 'tile-mismatch', 'not-consistent']),
    );
    const first = report.faults.first?.index ?? 0;
    expect(first).toBeGreaterThanOrEqual(100);
    expect(first).toBeLessThan(112);
  });

  it.each([
    ['a missing entry', (entries: Uint8Array[]) => entries.splice(50, 1), ['entry-missing']],
    [
      'two entries that changed places',
      (entries: Uint8Array[]) => entries.splice(50, 2, ...entries.slice(50, 52).reverse()),
      ['leaf-mismatch'],
    ],
    [
      'an entry that is there twice',
      (entries: Uint8Array[]) => entries.splice(50, 1, ...entries.slice(51, 52)),
      ['leaf-mismatch'],
    ],
  ])('by %s', async (_what, change, expected) => {
    const report = await verify(log, withEntries(change));
    expect(report.verdict).toBe('CORRUPTED');
    expect(codes(report)).toEqual(expect.arrayContaining(expected));
    expect(report.faults.first?.index).toBeLessThanOrEqual(50);
  });

  it('by a file that is not there', async () => {
    for (const path of files.keys()) {
      const rest = new Map(files);
      rest.delete(path);
      const { verdict } = await verify(log, rest);
      // What may be erased, and what is not checked, may be missing.
      expect([path, verdict]).toEqual([path, /^(private|anchors)/.test(path) ? 'VERIFIED' : 'CORRUPTED']);
    }
  });

  it('by a private part that is another', async () => {
    const [first, ...rest] = log.privateParts;
    const content = Buffer.from('{"salt":"x"}').toString('base64');
    const forged = await log.files({ privateParts: [{ index: first?.index ?? 0, content }, ...rest] });
    expect(codes(await verify(log, forged))).toEqual(['private-mismatch']);
    const moved = await log.files({ privateParts: [{ index: 0, content }, ...log.privateParts] });
    expect(codes(await verify(log, moved))).toEqual(['private-mismatch']);
  });

  it('by a line, or a manifest, that one program reads this way and another that way', async () => {
    for (const [path, name] of [
      ['batches.ndjson', 'device'],
      ['devices.ndjson', 'publicKey'],
      ['private.ndjson', 'content'],
      ['manifest.json', 'range'],
    ] as const) {
      const report = await verify(
        log,
        changed(path, (bytes) => Buffer.from(Buffer.from(bytes).toString().replace('{', `{"${name}":"x",`))),
      );
      expect([path, codes(report)]).toEqual([path, expect.arrayContaining(['malformed'])]);
    }
  });

  it('by a tail that was cut off, when a longer checkpoint is known', async () => {
    const [, , third = '', newest = ''] = log.checkpoints;
    const size = Number(third.split('\n')[1]);
    const short = await log.files({
      size,
      checkpoint: third,
      checkpoints: log.checkpoints.slice(0, 3),
      batches: log.batches.filter(({ index }) => index < size),
      privateParts: log.privateParts.filter(({ index }) => index < size),
    });
    // It is what the log once was: alone, nothing is wrong with it.
    expect((await verify(log, short)).verdict).toBe('VERIFIED');
    const report = await verify(log, short, { checkpoint: newest });
    expect(codes(report)).toEqual(['rolled-back']);
  });

  it('by an old checkpoint in the place of the newest', async () => {
    const report = await verify(
      log,
      changed('checkpoint', () => Buffer.from(log.checkpoints[2] ?? '')),
    );
    expect(codes(report)).toEqual(expect.arrayContaining(['rolled-back', 'truncated', 'manifest-mismatch']));
  });

  it('by a cosignature that the witness gave another checkpoint', async () => {
    const [first = '', second = '', third = '', newest = ''] = log.checkpoints;
    const cosignature = third.split('\n').find((line) => line.startsWith(`— ${log.witness.key.name} `));
    expect(cosignature).toBeDefined();
    const checkpoints = [first, `${second}${cosignature}\n`, third, newest];
    const report = await verify(log, await log.files({ checkpoints }), { witnesses: [log.witnessKey] });
    expect(codes(report)).toEqual(['note-signature']);
  });

  it('by a list of keys that is made to fill the memory, which it does not', async () => {
    setFlagsFromString('--expose_gc');
    const collect: () => void = runInNewContext('gc');
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const [line] = log.devices;
    const before = used();
    let taken = Number.POSITIVE_INFINITY;
    async function* lines() {
      for (let at = 0; at < 1_200; at += 1) {
        const from = at % 2 === 0 ? 1_000_000 + at : at / 2;
        yield JSON.stringify({ ...line, from: Math.floor(from), entry: 'A'.repeat(80_000) });
      }
      // The entries that came along have 96 MB together.
      taken = used() - before;
    }
    const { read, lines: others } = memoryReader(files);
    const reader = { read, lines: (path: string) => (path === 'devices.ndjson' ? lines() : others(path)) };
    const report = await verifyExport(reader, { vkey: log.vkey, primitives: nodePrimitives });
    expect(taken).toBeLessThan(20e6);
    expect(codes(report)).toEqual(expect.arrayContaining(['unknown-device-key']));
  });

  it('by a file of lines that nobody can read, which is not read to its end', async () => {
    let given = 0;
    async function* lines() {
      for (let at = 0; at < 1_000_000; at += 1) {
        given += 1;
        yield '';
      }
    }
    const { read, lines: others } = memoryReader(files);
    const reader = { read, lines: (path: string) => (path === 'batches.ndjson' ? lines() : others(path)) };
    const report = await verifyExport(reader, { vkey: log.vkey, primitives: nodePrimitives });
    expect(codes(report)).toEqual(['device-signature', 'malformed']);
    expect(given).toBe(1_000);
  });
});
