import { beforeAll, describe, expect, it } from 'vitest';
import { nodePrimitives } from '../node/node-primitives.ts';
import { formatVerifierKey } from '../note/verifier-key.ts';
import { memoryReader } from '../testing/memory-reader.ts';
import { SampleLog, sampleLog } from '../testing/sample-log.ts';
import { testWitness } from '../testing/test-signers.ts';
import type { DeviceLine } from './lines.ts';
import { codes, type Files, verify } from './verify-export.test-support.ts';
import { verifyExport } from './verify-export.ts';

const primitives = nodePrimitives;

/** Keys with the entries that commit to them, for an export that does not have these. */
function withEntries(log: SampleLog): DeviceLine[] {
  return log.devices.map((line) => ({
    ...line,
    entry: Buffer.from(log.entries[line.from] ?? []).toString('base64'),
  }));
}

describe('an export', () => {
  let log: SampleLog;
  let files: Files;

  beforeAll(async () => {
    log = await sampleLog(700);
    files = await log.files();
  });

  it('verifies with the key of the log', async () => {
    const report = await verify(log, files);
    expect(report.faults.kept).toEqual([]);
    const size = log.entries.length;
    expect(report).toMatchObject({
      verdict: 'VERIFIED',
      keyFrom: 'given',
      origin: log.origin,
      organisation: log.organisation,
      size,
      signedBy: [log.origin],
      counts: {
        entries: size,
        absent: 0,
        devices: 2,
        batches: log.batches.length,
        checkpoints: 4,
        privateOpened: log.privateParts.length,
        privateErased: 0,
      },
      coverage: { trusted: { from: 0, to: size }, witnessed: undefined, unanchored: { from: 0, to: size } },
    });
    const { deviceEntries, controlEntries } = report.counts;
    expect(deviceEntries + controlEntries).toBe(size);
  });

  it('verifies the same without OpenSSL, in JavaScript alone', async () => {
    const small = await sampleLog(30);
    const of = memoryReader(await small.files());
    const portable = await verifyExport(of, { vkey: small.vkey });
    expect(portable.verdict).toBe('VERIFIED');
    expect(portable).toEqual(await verifyExport(of, { vkey: small.vkey, primitives }));
  });

  it('without a key is consistent in itself, and nothing more', async () => {
    const report = await verifyExport(memoryReader(files), { primitives });
    expect(report).toMatchObject({ verdict: 'CONSISTENT', keyFrom: 'export', vkey: log.vkey });
    expect(report.coverage.trusted).toBeUndefined();
  });

  it('of another log, however good, is not of the log whose key was given', async () => {
    const report = await verify(await sampleLog(20), files);
    expect(report.verdict).toBe('CORRUPTED');
    expect(codes(report)).toContain('note-signature');
  });

  it('says up to where a witness saw it, and which tail is unanchored', async () => {
    const witnesses = [log.witnessKey];
    const { coverage, signedBy } = await verify(log, files, { witnesses });
    const cosigned = Number(log.checkpoints[2]?.split('\n')[1]);
    expect(coverage.witnessed).toEqual({ from: 0, to: cosigned });
    expect(coverage.unanchored).toEqual({ from: cosigned, to: log.entries.length });
    expect(signedBy).toEqual([log.origin]);
    const stranger = [formatVerifierKey(testWitness('witness.example/w2').key)];
    expect((await verify(log, files, { witnesses: stranger })).coverage.witnessed).toBeUndefined();
    await expect(verify(log, files, { witnesses: [log.vkey] })).rejects.toMatchObject({
      code: 'ledger/malformed',
    });
  });

  it('contains what an auditor saw of it before', async () => {
    for (const checkpoint of log.checkpoints) {
      expect((await verify(log, files, { checkpoint })).verdict).toBe('VERIFIED');
    }
  });

  it('may leave erased private parts out, and says how many', async () => {
    const kept = log.privateParts.filter((_, at) => at % 2 === 0);
    const { verdict, counts } = await verify(log, await log.files({ privateParts: kept }));
    expect(verdict).toBe('VERIFIED');
    expect(counts).toMatchObject({
      privateOpened: kept.length,
      privateErased: log.privateParts.length - kept.length,
    });
  });

  it('of a part of the log verifies, with the keys from before it, and says what is absent', async () => {
    const range = { from: 300, to: 600 };
    const inside = log.batches.filter(({ index, count }) => index + count > 256);
    const devices = withEntries(log);
    const privateParts = log.privateParts.filter(({ index }) => index >= 256);
    const changes = {
      range,
      reason: 'older entries are in the archive',
      batches: inside,
      devices,
      privateParts,
    };
    const part = await log.files(changes);
    expect(part.has('tile/entries/000')).toBe(false);
    const report = await verify(log, part);
    expect(report.faults.kept).toEqual([]);
    expect(report).toMatchObject({ verdict: 'VERIFIED', range, counts: { absent: 256 } });

    const [first] = devices;
    const other = { ...first, entry: Buffer.from(log.entries[0] ?? []).toString('base64') };
    const forged = await log.files({ ...changes, devices: [other, ...devices.slice(1)] as typeof devices });
    expect(codes(await verify(log, forged))).toEqual(['unknown-device-key']);
  });

  it('that shall be whole is not when entries are absent, whatever it says it has', async () => {
    const range = { from: 256, to: log.entries.length };
    const devices = withEntries(log);
    const of = (from: number) => ({
      batches: log.batches.filter(({ index, count }) => index + count > from),
      privateParts: log.privateParts.filter(({ index }) => index >= from),
    });
    const part = await log.files({ range, devices, ...of(256) });
    const { verdict, counts } = await verify(log, part);
    expect([verdict, counts.absent]).toEqual(['VERIFIED', 256]);
    const report = await verify(log, part, { whole: true });
    expect(codes(report)).toEqual(['entry-missing']);
    expect(report.faults.first).toMatchObject({ index: 0 });
    expect((await verify(log, files, { whole: true })).verdict).toBe('VERIFIED');
  });

  it('counts the entries whose batch ends among absent ones: nobody can hold its signature to them', async () => {
    const longer = new SampleLog();
    longer.control('audit');
    const device = longer.device();
    longer.batch(device, 10);
    await longer.checkpoint();
    longer.follow(device);
    const [statement] = longer.batches.splice(-1, 1);
    longer.batch(device, 300);
    const last = longer.batches.at(-1);
    if (statement === undefined || last === undefined) throw new Error('no batch');
    // One batch from the statement on, which its device never signed.
    longer.batches[1] = { ...last, index: 12, firstSeq: 11, count: 301, signature: statement.signature };
    await longer.checkpoint();
    expect(codes(await verify(longer, await longer.files()))).toEqual(['device-signature']);
    const privateParts = longer.privateParts.filter(({ index }) => index < 256);
    const part = await longer.files({ range: { from: 0, to: 256 }, privateParts });
    const report = await verify(longer, part);
    expect(report).toMatchObject({
      verdict: 'VERIFIED',
      counts: { batches: 1, cut: 256 - 12, statements: 0, statementDevices: 0 },
      coverage: { seenByDevices: undefined },
    });
  });

  it('is read in one go: each file once, a bundle and its tile at a time', async () => {
    const { read, lines } = memoryReader(files);
    const asked: string[] = [];
    let [open, most] = [0, 0];
    const counting = {
      lines,
      read: async (path: string) => {
        asked.push(path);
        open += 1;
        most = Math.max(most, open);
        const bytes = await read(path);
        open -= 1;
        return bytes;
      },
    };
    await verifyExport(counting, { vkey: log.vkey, primitives });
    expect(most).toBe(2);
    expect(asked).toHaveLength(new Set(asked).size);
    const named = [...files.keys()].filter((path) => !path.endsWith('.ndjson'));
    expect(asked.sort()).toEqual(named.sort());
  });

  it('tells how far it is', async () => {
    const seen: number[] = [];
    await verify(log, files, { onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([256, 512, log.entries.length]);
  });

  describe('of a log that is older than signatures', () => {
    /** Five entries that nobody signed, the first control entry, three that the device signed; then `more`. */
    async function olderLog(more: (log: SampleLog) => void = () => {}): Promise<SampleLog> {
      const older = new SampleLog();
      const device = older.device();
      older.batch(device, 5);
      older.batches.length = 0;
      // Their places are others from here on.
      older.privateParts.length = 0;
      const [key] = older.entries.splice(0, 1);
      if (key !== undefined) older.entries.push(key);
      older.devices.splice(0, 1, { ...older.devices[0], from: 5 } as DeviceLine); // it has one
      older.batch(device, 3);
      older.privateParts.length = 0;
      more(older);
      await older.checkpoint();
      return older;
    }

    it('verifies, and says how many entries no device signed', async () => {
      const older = await olderLog();
      const report = await verify(older, await older.files());
      expect(report.faults.kept).toEqual([]);
      expect(report).toMatchObject({
        verdict: 'VERIFIED',
        counts: { unsigned: 5, batches: 1, deviceEntries: 8 },
      });
    });

    it('says nothing of what devices saw: nobody signed that either', async () => {
      const older = new SampleLog();
      const device = older.device();
      const [key] = older.entries.splice(0, 1);
      older.batch(device, 5);
      await older.checkpoint();
      older.follow(device);
      older.batches.length = 0;
      older.devices.splice(0, 1, { ...older.devices[0], from: older.entries.length } as DeviceLine);
      if (key !== undefined) older.entries.push(key);
      await older.rebuild();
      const report = await verify(older, await older.files({ privateParts: [] }));
      expect(report).toMatchObject({
        verdict: 'VERIFIED',
        counts: { unsigned: 6, statements: 0, statementDevices: 0 },
        coverage: { seenByDevices: undefined },
      });
    });

    it('does not verify when an entry after the first control entry was not signed', async () => {
      const older = await olderLog((log) => {
        log.batches.length = 0;
      });
      const report = await verify(older, await older.files());
      expect(codes(report)).toEqual(['device-signature']);
      expect(report.faults.first).toMatchObject({ index: 6 });
    });
  });
});
