import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type SampleLog, sampleLog } from '../testing/sample-log.ts';
import { EXPORT_FILES } from './format.ts';
import type { ExportReport } from './report.ts';
import { type Files, verify } from './verify-export.test-support.ts';

/** Many whole exports are verified, on a machine that may be busy. */
vi.setConfig({ testTimeout: 120_000 });

/** One change to one file. */
const Mutation = fc.record({
  file: fc.nat(),
  at: fc.nat(),
  other: fc.nat(),
  flip: fc.integer({ min: 1, max: 255 }),
  how: fc.constantFrom('flip', 'cut', 'delete', 'repeat', 'swap', 'swap-lines', 'delete-line', 'repeat-line'),
});
type Mutation = typeof Mutation extends fc.Arbitrary<infer T> ? T : never;

describe('an export with any one thing changed', () => {
  let log: SampleLog;
  let files: Files;
  let whole: ExportReport;

  beforeAll(async () => {
    log = await sampleLog(280, { followed: true });
    files = await log.files();
    whole = await check(files);
    expect(whole.verdict).toBe('VERIFIED');
  });

  const check = (of: Files) => verify(log, of, { witnesses: [log.witnessKey] });

  it('is CORRUPTED, or still claims nothing that is not so', async () => {
    await fc.assert(
      fc.asyncProperty(Mutation, async (mutation) => {
        const report = await check(mutated(files, mutation));
        if (report.verdict !== 'CORRUPTED') expectNoMore(report, whole);
      }),
      { numRuns: 100 },
    );
  });

  it('is CORRUPTED when it is a byte of an entry, of a tile, of a batch, of a key or of the newest checkpoint', async () => {
    const paths = [...files.keys()].filter(
      (path) =>
        path.startsWith('tile/') ||
        [EXPORT_FILES.batches, EXPORT_FILES.devices, EXPORT_FILES.key, EXPORT_FILES.checkpoint].some(
          (one) => one === path,
        ),
    );
    expect(paths).toHaveLength(9);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), Mutation, async (path, { at, flip }) => {
        const bytes = files.get(path) ?? new Uint8Array();
        const changed = Uint8Array.from(bytes);
        changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ flip;
        const report = await check(new Map(files).set(path, changed));
        expect(report.verdict).toBe('CORRUPTED');
      }),
      { numRuns: 60 },
    );
  });
});

/** Erased private parts, missing anchors and older checkpoints make a report weaker; nothing makes it say more. */
function expectNoMore(report: ExportReport, whole: ExportReport): void {
  const { origin, organisation, size, root, vkey } = whole;
  expect(report).toMatchObject({ origin, organisation, size, root, vkey });
  const { checkpoints, privateOpened, privateErased, ...counts } = whole.counts;
  expect(report.counts).toMatchObject(counts);
  expect(report.counts.checkpoints).toBeLessThanOrEqual(checkpoints + 1);
  expect(report.counts.privateOpened).toBeLessThanOrEqual(privateOpened);
  expect(report.counts.privateOpened + report.counts.privateErased).toBe(privateOpened + privateErased);
  expect(report.coverage.witnessed?.to ?? 0).toBeLessThanOrEqual(whole.coverage.witnessed?.to ?? 0);
  expect(report.coverage.seenByDevices).toEqual(whole.coverage.seenByDevices);
}

function mutated(files: Files, { file, at, other, flip, how }: Mutation): Files {
  const paths = [...files.keys()];
  const path = paths[file % paths.length] ?? '';
  const bytes = [...(files.get(path) ?? [])];
  const changed = new Map(files);
  const [one, two] = [at % bytes.length, other % bytes.length].sort((left, right) => left - right);
  const lines = new TextDecoder('latin1').decode(Uint8Array.from(bytes)).split(/(?<=\n)/);
  const [oneLine, twoLine] = [at % lines.length, other % lines.length];
  switch (how) {
    case 'delete':
      changed.delete(path);
      return changed;
    case 'flip':
      bytes[one ?? 0] = (bytes[one ?? 0] ?? 0) ^ flip;
      break;
    case 'cut':
      bytes.splice(one ?? 0);
      break;
    case 'repeat':
      bytes.splice(two ?? 0, 0, ...bytes.slice(one, two));
      break;
    case 'swap': {
      const first = bytes[one ?? 0] ?? 0;
      bytes[one ?? 0] = bytes[two ?? 0] ?? 0;
      bytes[two ?? 0] = first;
      break;
    }
    case 'swap-lines': {
      const first = lines[oneLine] ?? '';
      lines[oneLine] = lines[twoLine] ?? '';
      lines[twoLine] = first;
      return changed.set(path, Buffer.from(lines.join(''), 'latin1'));
    }
    case 'delete-line':
      lines.splice(oneLine, 1);
      return changed.set(path, Buffer.from(lines.join(''), 'latin1'));
    case 'repeat-line':
      lines.splice(oneLine, 0, lines[oneLine] ?? '');
      return changed.set(path, Buffer.from(lines.join(''), 'latin1'));
  }
  return changed.set(path, Uint8Array.from(bytes));
}
