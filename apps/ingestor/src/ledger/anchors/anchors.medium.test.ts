import 'reflect-metadata';
import {
  formatVerifierKey,
  parseVerifierKey,
  type VerifierKey,
  type VerifyExportOptions,
  verifyExport,
  verifyNote,
  writeExport,
} from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { collectParts, memoryReader } from '@raypher/ledger/testing';
import { trustTimeStamps } from '@raypher/ledger/time-stamp';
import { TestTimeStampAuthority } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LogInstallation } from '../../testing/log-installation.ts';
import { TestWitness } from '../../testing/test-witness.ts';
import { LogExportService } from '../log-export.service.ts';
import { verifyTimeStamp } from './time-stamp.ts';
import { TimeStampingService } from './time-stamping.service.ts';
import { WitnessingService } from './witnessing.service.ts';

let log: LogInstallation;
let key: VerifierKey;

beforeAll(async () => {
  log = await LogInstallation.start((connectionString) => new pg.Client({ connectionString }));
  await grow(3);
  const [row] = await log.query<{ statement: Buffer }>('SELECT key_statement AS statement FROM ledger_logs');
  key = parseVerifierKey(JSON.parse(row?.statement.toString() ?? '').vkey);
});
afterAll(async () => {
  await log?.stop();
});

/** New entries, and a checkpoint over them. */
async function grow(entries: number): Promise<number> {
  await log.deviceWith(entries);
  await log.settle();
  const [row] = await log.query<{ size: number }>('SELECT size::int FROM ledger_logs');
  const size = row?.size ?? 0;
  await vi.waitFor(async () => expect((await newest()).size).toBe(size), { timeout: 15_000, interval: 100 });
  return size;
}

async function newest(): Promise<{ size: number; note: string }> {
  const [row] = await log.query<{ size: number; note: string }>(
    'SELECT size::int, note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1',
  );
  return row ?? { size: 0, note: '' };
}

/** An export as it is now, verified with the log's key. */
async function exported(options: VerifyExportOptions) {
  const exports = log.installation.api.get(LogExportService, { strict: false });
  const source = await exports.source(log.organisation, { privateParts: false });
  const files = await collectParts(writeExport(source));
  return await verifyExport(memoryReader(files), {
    vkey: formatVerifierKey(key),
    primitives: nodePrimitives,
    ...options,
  });
}

const anchors = (kind: string) =>
  log.query<{ size: number; name: string; content: Buffer }>(
    'SELECT size::int, name, content FROM ledger_anchors WHERE kind = $1 ORDER BY size',
    [kind],
  );

describe('a witness', () => {
  let witness: TestWitness;
  const cosign = () =>
    log.installation.api.get(WitnessingService, { strict: false }).cosign(log.organisation, witness.witness);
  beforeAll(async () => {
    witness = await TestWitness.start(key);
  });
  afterAll(() => witness?.stop());

  it('cosigns the newest checkpoint, and what it says verifies with its key', async () => {
    const { size, note } = await newest();
    expect(await cosign()).toBe(size);
    const [anchor] = await anchors('witness');
    expect(anchor).toMatchObject({ size, name: 'witness.test/w1' });
    const { signedBy } = verifyNote(`${note}${anchor?.content.toString()}`, [key, witness.witness.key]);
    expect(signedBy.map((one) => one.key.name)).toContain('witness.test/w1');
  });

  it('is not asked again about what it cosigned', async () => {
    const { requests } = witness;
    expect(await cosign()).toBeUndefined();
    expect(witness.requests).toBe(requests);
  });

  it('follows the log as it grows, with a proof from what it saw last', async () => {
    const size = await grow(5);
    expect(await cosign()).toBe(size);
    expect(witness.latest.size).toBe(size);
    expect((await anchors('witness')).at(-1)?.size).toBe(size);
  });

  it('that forgot everything, or was asked about by somebody else, is asked from where it is', async () => {
    witness.latest = { size: 0, root: new Uint8Array() };
    const size = await grow(2);
    expect(await cosign()).toBe(size);
  });

  it('that saw another past, or more than there is, is heard', async () => {
    const { latest } = witness;
    await grow(1);
    witness.latest = { ...latest, root: new Uint8Array(32) };
    await expect(cosign()).rejects.toThrow('the witness answers 422');
    witness.latest = { ...latest, size: 1_000_000 };
    await expect(cosign()).rejects.toThrow(/cosigned 1000000 entries, and this log has \d+/);
    witness.latest = latest;
    expect(await cosign()).toBe((await newest()).size);
  });

  it('is in an export, which says how far somebody else has seen the log', async () => {
    await cosign();
    const { size } = await newest();
    const report = await exported({ witnesses: [formatVerifierKey(witness.witness.key)] });
    expect(report.faults.kept).toEqual([]);
    expect(report).toMatchObject({
      verdict: 'VERIFIED',
      size,
      coverage: { witnessed: { from: 0, to: size } },
    });
  });

  it.each([
    ['nothing signed', { status: 200, body: 'thank you\n' }],
    [
      'a signature of a stranger',
      { status: 200, body: `— stranger.test ${Buffer.alloc(76).toString('base64')}\n` },
    ],
    ['a signature that does not hold', { status: 200, forged: true }],
    ['more than anybody would', { status: 200, body: 'x'.repeat(20_000) }],
    ['a failure', { status: 500 }],
  ])('that answers with %s anchors nothing', async (_, answer) => {
    await grow(1);
    const before = await anchors('witness');
    const line = before.at(-1)?.content.toString() ?? '';
    witness.answersWith = 'forged' in answer ? { status: 200, body: line } : answer;
    await expect(cosign()).rejects.toThrow();
    expect(await anchors('witness')).toEqual(before);
    expect(await cosign()).toBe((await newest()).size);
  });
});

describe('a time stamping authority', () => {
  let authority: TestTimeStampAuthority;
  beforeAll(async () => {
    authority = await TestTimeStampAuthority.start();
  });
  afterAll(() => authority?.stop());

  it('stamps a checkpoint at most once an hour, and its token verifies without us', async () => {
    const service = log.installation.api.get(TimeStampingService, { strict: false });
    const named = { url: authority.url, roots: [authority.root] };
    const { size, note } = await newest();
    expect(await service.stamp(log.organisation, named)).toBe(size);
    const [anchor] = await anchors('rfc3161');
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    await verifyTimeStamp(anchor?.content ?? Buffer.alloc(0), Buffer.from(text), [authority.root]);
    const report = await exported({ timeStamping: trustTimeStamps([authority.root]) });
    expect(report.faults.kept).toEqual([]);
    expect(report).toMatchObject({
      verdict: 'VERIFIED',
      counts: { timeStamps: 1 },
      coverage: { stamped: { from: 0, to: size } },
      notChecked: [],
    });
    await grow(1);
    expect(await service.stamp(log.organisation, named)).toBeUndefined();
    const later = Date.now() + 61 * 60_000;
    expect(await service.stamp(log.organisation, named, later)).toBe((await newest()).size);
  });
});
