import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { EXPORT_FILES, linePartPath, verifyExport } from '@raypher/ledger';
import { type SampleLog, sampleLog } from '@raypher/ledger/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeZip } from '../testing/write-zip.ts';
import { openExport } from './open-export.ts';

const folder = mkdtempSync(join(tmpdir(), 'raypher-archive-copy-'));
let log: SampleLog;
let files: Map<string, Uint8Array>;

/** As an archive has it: files of lines in parts, cut where an entry of the log begins. */
beforeAll(async () => {
  log = await sampleLog(600);
  files = await log.files();
  const cuts = [0, 100, 333, log.entries.length];
  for (const path of [EXPORT_FILES.batches, EXPORT_FILES.devices, EXPORT_FILES.checkpoints]) {
    const lines = Buffer.from(files.get(path) ?? [])
      .toString()
      .split('\n')
      .filter((line) => line !== '');
    files.delete(path);
    cuts.slice(1).forEach((to, at) => {
      const from = cuts[at] ?? 0;
      const isIn = (line: string, index: number) => {
        const parsed: { index?: number; from?: number } = JSON.parse(line);
        const place = parsed.index ?? parsed.from ?? Math.floor((index * log.entries.length) / lines.length);
        return place >= from && place < to;
      };
      const text = lines.filter(isIn).map((line) => `${line}\n`);
      files.set(linePartPath(path, { from, to }), Buffer.from(text.join('')));
    });
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

async function verify(path: string) {
  const { reader, close } = await openExport(path);
  try {
    return await verifyExport(reader, { vkey: log.vkey });
  } finally {
    close();
  }
}

function write(name: string, content: ReadonlyMap<string, Uint8Array>): string {
  for (const [path, bytes] of content) {
    mkdirSync(dirname(join(folder, name, path)), { recursive: true });
    writeFileSync(join(folder, name, path), bytes);
  }
  return join(folder, name);
}

test('a copy of an archive verifies, as a folder and as a zip', async () => {
  const whole = { verdict: 'VERIFIED', counts: { entries: log.entries.length } };
  expect(await verify(write('copy', files))).toMatchObject(whole);
  writeFileSync(join(folder, 'copy.zip'), writeZip(files));
  expect(await verify(join(folder, 'copy.zip'))).toMatchObject(whole);
});

test('a copy without one of the parts does not', async () => {
  const missing = new Map(files);
  missing.delete(linePartPath(EXPORT_FILES.batches, { from: 100, to: 333 }));
  expect(await verify(write('missing', missing))).toMatchObject({ verdict: 'CORRUPTED' });
  writeFileSync(join(folder, 'missing.zip'), writeZip(missing));
  expect(await verify(join(folder, 'missing.zip'))).toMatchObject({ verdict: 'CORRUPTED' });
});
