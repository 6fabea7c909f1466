import { beforeAll, describe, expect, it } from 'vitest';
import { nodePrimitives } from '../node/node-primitives.ts';
import { formatCheckpoint, parseCheckpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import { signNote } from '../note/sign-note.ts';
import { type SampleLog, sampleLog } from '../testing/sample-log.ts';
import { testSigner } from '../testing/test-signers.ts';
import { proveConsistency } from '../tiles/prove.ts';
import { followLog } from './follow-log.ts';

let log: SampleLog;
let heads: { note: string; size: number; root: Uint8Array }[];

beforeAll(async () => {
  log = await sampleLog(60);
  heads = log.checkpoints.map((note) => ({ ...parseCheckpoint(parseNote(note).text), note }));
});

async function shown(
  from: number,
  to: number,
  changes: { note?: string; proof?: Uint8Array[]; from?: number } = {},
) {
  const [older, newer] = [heads[from], heads[to]];
  if (older === undefined || newer === undefined) throw new Error('no such checkpoint');
  const readTiles = (ids: readonly Parameters<SampleLog['readTile']>[0][]) =>
    Promise.all(ids.map(log.readTile));
  const proof = from < to ? await proveConsistency(older.size, newer.size, readTiles) : [];
  return followLog(
    older,
    { note: newer.note, from: older.size, proof, ...changes },
    log.log.key,
    nodePrimitives,
  );
}

const sign = (size: number, root: Uint8Array, origin = log.origin, { signer } = log.log) =>
  signNote(formatCheckpoint({ origin, size, root }), [signer]);

describe('who follows a log', () => {
  it('believes the first checkpoint, and then each that goes on from the one before', async () => {
    const [first] = heads;
    const begun = followLog(undefined, { note: first?.note ?? '', from: 0, proof: [] }, log.log.key);
    expect(begun).toMatchObject({ kind: 'grown', checkpoint: { size: first?.size } });
    expect(await shown(0, 1)).toMatchObject({ kind: 'grown', checkpoint: { size: heads[1]?.size } });
    expect(await shown(0, 3)).toMatchObject({ kind: 'grown', checkpoint: { size: heads[3]?.size } });
  });

  it('hears nothing new in what it knows, and in the answer to another question', async () => {
    expect(await shown(2, 2)).toEqual({ kind: 'nothing-new' });
    expect(await shown(1, 2, { from: 1 })).toEqual({ kind: 'nothing-new' });
  });

  it('is contradicted by a shorter log, two roots of one size, and a log that is not shown to go on', async () => {
    expect(await shown(2, 1)).toMatchObject({ kind: 'contradicted', checkpoint: { size: heads[1]?.size } });
    const { size = 0 } = heads[2] ?? {};
    const other = new Uint8Array(32).fill(7);
    expect(await shown(2, 2, { note: await sign(size, other) })).toMatchObject({ kind: 'contradicted' });
    expect(await shown(2, 3, { note: await sign(heads[3]?.size ?? 0, other) })).toMatchObject({
      kind: 'contradicted',
    });
    expect(await shown(2, 3, { proof: [] })).toMatchObject({ kind: 'contradicted' });
  });

  it('takes nothing for evidence that the log’s key did not sign', async () => {
    const root = new Uint8Array(32).fill(7);
    const stranger = testSigner(log.origin);
    for (const note of [
      await sign(1, root, log.origin, stranger),
      await sign(1, root, 'raypher.example/ledger/another'),
      'hello',
      heads[3]?.note.replace('\n', '\n1') ?? '',
    ]) {
      await expect(shown(2, 3, { note })).rejects.toMatchObject({
        code: expect.stringMatching(/^ledger\/(malformed|signature-invalid)$/),
      });
    }
  });
});
