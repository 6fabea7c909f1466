import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, sha256Hex } from '../canonical.ts';
import { batchStatement } from '../chain.ts';
import { DEVICE_STATEMENT } from '../follow/device-statement.ts';
import { nodePrimitives } from '../node/node-primitives.ts';
import { memoryReader } from '../testing/memory-reader.ts';
import { type SampleLog, sampleLog } from '../testing/sample-log.ts';
import { appendControlEntry, EMPTY_CONTROL_CHAIN } from './control-entry.ts';
import type { BatchLine } from './lines.ts';
import type { ExportReport } from './report.ts';
import { codes, json, verify } from './verify-export.test-support.ts';
import { verifyExport } from './verify-export.ts';

describe('whoever has the key of the log, and builds it anew, is found out', () => {
  let log: SampleLog;
  let kept: string;

  /** A log of one batch each of two devices, and then the change of an insider. */
  async function rebuilt(change: (log: SampleLog) => void | Promise<void>): Promise<ExportReport> {
    log = await sampleLog(60);
    kept = log.checkpoints[1] ?? '';
    await change(log);
    await log.rebuild();
    return await verify(log, await log.files());
  }
  const entryAt = (index: number) => json(log.entries[index]);
  const moveLines = (from: number, by: number) => {
    for (const line of [...log.batches, ...log.devices, ...log.privateParts]) {
      if ('from' in line && line.from >= from) line.from += by;
      else if ('index' in line && line.index >= from) line.index += by;
    }
  };

  it('unless nothing was changed', async () => {
    expect(await rebuilt(() => {})).toMatchObject({ verdict: 'VERIFIED' });
  });

  it('by an edited entry of a device', async () => {
    const report = await rebuilt((log) => {
      log.entries[4] = canonicalBytes({ ...entryAt(4), target: 'elsewhere.example' });
    });
    expect(codes(report)).toContain('device-chain');
    expect(report.faults.first).toMatchObject({ index: 5, device: entryAt(4).device });
  });

  it('by a chain of a device that was made to fit, for want of its signature', async () => {
    const report = await rebuilt((log) => {
      const [batch] = log.batches;
      if (batch === undefined) throw new Error('no batch');
      let prev = entryAt(batch.index).prev;
      for (const [at, bytes] of log.entries.entries()) {
        const entry = json(bytes);
        if (entry.device !== batch.device || entry.seq === undefined) continue;
        const next = canonicalBytes({
          ...entry,
          prev,
          ...(entry.seq === 1 ? { target: 'elsewhere.example' } : {}),
        });
        log.entries[at] = next;
        prev = sha256Hex(next);
        const line = log.batches.find((one) => one.index + one.count - 1 === at);
        if (line !== undefined) line.head = prev;
      }
    });
    expect(codes(report)).toEqual(['device-signature']);
    expect(report.faults.first?.index).toBe(log.batches[0]?.index);
  });

  it('by a batch signed with a key of his own', async () => {
    const report = await rebuilt((log) => {
      const line = log.batches.at(-1);
      if (line === undefined) throw new Error('no batch');
      line.signature = signBatch(log, line, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    });
    expect(codes(report)).toEqual(['device-signature']);
  });

  it('by a key of his own put into the place of a device’s', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    const report = await rebuilt((log) => {
      const [line] = log.devices;
      if (line !== undefined) line.publicKey = spki;
    });
    expect(codes(report)).toEqual(['unknown-device-key']);
  });

  it('by a newer key of a device that was left out', async () => {
    const report = await rebuilt((log) => {
      log.device(log.devices[0]?.device);
      log.devices.pop();
    });
    expect(codes(report)).toEqual(['unknown-device-key']);
  });

  it('by a newer key of a device that is written so that nobody reads it', async () => {
    const report = await rebuilt((log) => {
      log.control('device-key', { device: log.devices[0]?.device, publicKey: 'not base64' });
    });
    expect(codes(report)).toEqual(['malformed']);
  });

  it.each([
    ['brackets without end', `{"v":1,"data":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['two keys of one name', '{"v":1,"v":1}'],
    ['no JSON', 'hello'],
    ['bytes that are no text', '\u{10ffff}\u0000'],
    ['nothing', ''],
  ])('by an entry of %s', async (_what, text) => {
    const report = await rebuilt((log) => {
      log.entries.push(Buffer.from(text));
    });
    expect(codes(report)).toEqual(['malformed']);
    expect(report.faults.first?.index).toBe(log.entries.length - 1);
  });

  it('by an entry that one program reads this way and another that way', async () => {
    const report = await rebuilt((log) => {
      const text = new TextDecoder().decode(log.entries[0]);
      log.entries[0] = Buffer.from(text.replace('{', '{"actor":"lee",'));
    });
    expect(codes(report)).toContain('not-canonical');
    expect(report.faults.first?.index).toBe(0);
  });

  it('by a deleted entry of a device', async () => {
    const report = await rebuilt((log) => {
      log.entries.splice(5, 1);
      moveLines(5, -1);
    });
    expect(codes(report)).toContain('device-chain');
  });

  it('by a deleted batch', async () => {
    const report = await rebuilt((log) => {
      const batch = log.batches.splice(2, 1)[0];
      if (batch === undefined) throw new Error('no batch');
      log.entries.splice(batch.index, batch.count);
      log.privateParts.splice(
        0,
        log.privateParts.length,
        ...log.privateParts.filter(({ index }) => index < batch.index || index >= batch.index + batch.count),
      );
      moveLines(batch.index, -batch.count);
    });
    expect(codes(report)).toContain('device-chain');
  });

  it('by an inserted entry', async () => {
    const report = await rebuilt((log) => {
      log.entries.splice(4, 0, canonicalBytes({ ...entryAt(4), target: 'never.example' }));
      moveLines(5, 1);
    });
    expect(codes(report)).toContain('device-chain');
  });

  it('by entries in another order', async () => {
    const report = await rebuilt((log) => {
      log.entries.splice(4, 2, ...log.entries.slice(4, 6).reverse());
    });
    expect(codes(report)).toContain('device-chain');
  });

  it('by a batch that is there twice', async () => {
    const report = await rebuilt((log) => {
      const batch = log.batches.at(-1);
      if (batch === undefined) throw new Error('no batch');
      const again = log.entries.slice(batch.index, batch.index + batch.count);
      log.batches.push({ ...batch, index: log.entries.length });
      log.entries.push(...again);
    });
    expect(codes(report)).toContain('device-chain');
  });

  it('by an administrator’s action that is missing', async () => {
    const report = await rebuilt((log) => {
      const at = log.entries.findLastIndex((bytes) => json(bytes).kind === 'policy');
      const last = json(log.entries[at]).id;
      log.control('policy', { revision: 7 });
      log.entries.splice(at, 1);
      moveLines(at, -1);
      expect(last).toBeGreaterThan(1);
    });
    expect(codes(report)).toEqual(['control-chain']);
  });

  it('by an administrator’s action that reads otherwise', async () => {
    const report = await rebuilt((log) => {
      log.entries[0] = canonicalBytes({ ...entryAt(0), actor: 'lee' });
    });
    expect(codes(report)).toEqual(['control-chain']);
    expect(report.faults.first?.index).toBe(1);
  });

  it('by entries of another organisation', async () => {
    const report = await rebuilt(async (log) => {
      const other = await sampleLog(10);
      log.entries.push(...other.entries.slice(0, 1));
    });
    expect(codes(report)).toEqual(['control-chain', 'wrong-organisation']);
  });

  it('by an entry that no device signed', async () => {
    const report = await rebuilt((log) => {
      log.batches.pop();
    });
    expect(codes(report)).toEqual(['device-signature']);
  });

  it('by a rewritten past that fits together and is signed, when an auditor kept a checkpoint of it', async () => {
    const report = await rebuilt(rewriteControl);
    expect(report.verdict).toBe('VERIFIED');
    expect(codes(await verify(log, await log.files(), { checkpoint: kept }))).toEqual(['not-consistent']);
  });

  describe('after a device of the organisation followed the log', () => {
    async function followed(change: (log: SampleLog) => void): Promise<ExportReport> {
      const log = await sampleLog(60);
      const device = log.device();
      log.follow(device);
      log.batch(device, 2);
      change(log);
      await log.rebuild();
      return await verify(log, await log.files());
    }

    it('unless nothing was changed', async () => {
      const report = await followed(() => {});
      expect(report).toMatchObject({
        verdict: 'VERIFIED',
        counts: { statements: 1, statementDevices: 1, statementsOfOthers: 0 },
        coverage: { seenByDevices: { from: 0, to: report.size - 4 }, witnessed: undefined },
      });
    });

    it('by a rewritten past that fits together and is signed', async () => {
      const report = await followed(rewriteControl);
      expect(codes(report)).toEqual(['statement-mismatch']);
      expect(report.faults.first?.index).toBe(report.size - 3);
    });

    it('by the statement that is missing', async () => {
      const report = await followed((log) => {
        rewriteControl(log);
        log.entries.splice(-3, 1);
        const [statement] = log.batches.splice(-2, 1);
        for (const line of [...log.batches, ...log.privateParts]) {
          if (line.index > (statement?.index ?? 0)) line.index -= 1;
        }
      });
      expect(codes(report)).toContain('device-chain');
    });

    it('by a statement that shall be about a log of another name', async () => {
      const report = await followed((log) => {
        rewriteControl(log);
        const at = log.entries.length - 3;
        const { data, ...entry } = json(log.entries[at]);
        log.entries[at] = canonicalBytes({ ...entry, data: { ...data, origin: 'another.example/log' } });
      });
      expect(codes(report)).toContain('device-signature');
    });

    it('by a log that was shorter than the device saw', async () => {
      const report = await followed((log) => {
        const data = { origin: log.origin, size: log.entries.length + 2, root: '00'.repeat(32) };
        log.batch(log.device(), 1, 0, { type: DEVICE_STATEMENT, data });
      });
      expect(codes(report)).toEqual(['statement-mismatch']);
    });

    it('by a tile that is another when it is read again', async () => {
      const log = await sampleLog(60);
      const device = log.device();
      log.follow(device);
      log.batch(device, 2);
      await log.checkpoint();
      const before = await log.files();
      rewriteControl(log);
      await log.rebuild();
      const { read, lines } = memoryReader(await log.files());
      const seen = new Set<string>();
      const changing = {
        lines,
        read: async (path: string) => {
          if (path.startsWith('tile/0/') && seen.has(path)) return before.get(path);
          seen.add(path);
          return await read(path);
        },
      };
      const report = await verifyExport(changing, { vkey: log.vkey, primitives: nodePrimitives });
      expect(codes(report)).toEqual(['tile-mismatch']);
      expect(report.coverage.seenByDevices).toBeUndefined();
    });

    it('by a statement that cannot be read', async () => {
      const report = await followed((log) => {
        log.batch(log.device(), 1, 0, { type: DEVICE_STATEMENT, data: { size: 'many' } });
      });
      expect(codes(report)).toEqual(['statement-mismatch']);
    });
  });
});

/** Only the log vouches for what the control plane itself did: the first entry says that somebody else did it. */
function rewriteControl(log: SampleLog): void {
  let head = EMPTY_CONTROL_CHAIN;
  for (const [at, bytes] of log.entries.entries()) {
    const { v: _v, entry, id, prev: _prev, ...draft } = json(bytes);
    if (entry !== 'control') continue;
    const next = appendControlEntry(head, id === 1 ? { ...draft, actor: 'lee' } : draft);
    log.entries[at] = next.bytes;
    head = next.head;
  }
}

function signBatch(log: SampleLog, line: BatchLine, key: KeyObject): string {
  const { organisation } = log;
  const { device, firstSeq, count, head } = line;
  const statement = { organisation, device, firstSeq, count, head, ...line.statement };
  return sign('sha256', batchStatement(statement), key).toString('base64');
}
