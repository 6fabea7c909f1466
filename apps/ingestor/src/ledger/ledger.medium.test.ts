import { createHash } from 'node:crypto';
import {
  type ExportReader,
  parseCheckpoint,
  parseTlogProof,
  parseVerifierKey,
  splitLines,
  verifyConsistency,
  verifyExport,
  verifyInclusion,
  verifyNote,
} from '@raypher/ledger';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import * as yauzl from 'yauzl';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import { CheckpointSigningService } from './checkpoint-signing.service.ts';
import { LogWriter } from './log-writer.service.ts';

let api: TestApi;
let acme: TestOrganisation;
let other: TestOrganisation;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  other = await api.found('Other');
  await settle();
});
afterAll(async () => {
  await api.stop();
});

/** Everything has its place, and is signed. */
async function settle(): Promise<void> {
  await api.app.get(LogWriter, { strict: false }).round();
  await api.app.get(LogWriter, { strict: false }).round();
  for (const { id } of [acme, other]) {
    await api.app.get(CheckpointSigningService, { strict: false }).sign(id, Date.now() + 60_000);
  }
}

const ledger = async (path = '', of = acme) => (await of.administrator.get(`/v1/ledger${path}`)).body;

async function raw(path: string, of = acme): Promise<{ status: number; bytes: Buffer }> {
  const response = await fetch(`${api.url}/v1/ledger${path}`, { headers: of.administrator.headers });
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** Leaf hash by RFC 6962 §2.1, from the entry. */
function leafOf(entry: string): Buffer {
  return createHash('sha256').update(Buffer.of(0)).update(entry).digest();
}

describe('GET /v1/ledger', () => {
  it('says how long the log is, and by which key it is signed', async () => {
    const status = await ledger();
    expect(status).toMatchObject({ state: 'OK', faults: null, waiting: 0, origin: `raypher.log/${acme.id}` });
    const { text } = verifyNote(status.checkpoint.note, [parseVerifierKey(status.vkey)]);
    const { size, root } = parseCheckpoint(text);
    expect([size, Buffer.from(root).toString('hex')]).toEqual([status.size, status.root]);
    const statement = JSON.parse(Buffer.from(status.keyStatement.payload, 'base64').toString());
    expect(statement).toMatchObject({ organisation: acme.id, vkey: status.vkey });
    expect((await raw('/checkpoint')).bytes.toString()).toBe(status.checkpoint.note);
    expect((await ledger('/checkpoints')).items[0].size).toBe(size);
  });

  it('proves any entry, to whoever has the key of the log', async () => {
    const { vkey } = await ledger();
    const { items } = await ledger('/entries?limit=500');
    expect(items.length).toBeGreaterThan(3);
    for (const { index, entry, leaf } of items) {
      const proof = parseTlogProof((await raw(`/tlog-proof?index=${index}`)).bytes.toString());
      const { size, root } = parseCheckpoint(verifyNote(proof.checkpoint, [parseVerifierKey(vkey)]).text);
      expect(leafOf(entry).toString('hex')).toBe(leaf);
      expect(verifyInclusion({ index, size, leaf: leafOf(entry), proof: proof.hashes, root })).toBe(true);
      expect(verifyInclusion({ index, size, leaf: leafOf(`${entry} `), proof: proof.hashes, root })).toBe(
        false,
      );
      expect(await ledger(`/proof?index=${index}`)).toMatchObject({ index, size, leaf });
      expect(await ledger(`/entries/${index}`)).toMatchObject({ index, entry, leaf });
    }
  });

  it('proves that it only ever grew', async () => {
    const before = (await ledger()).checkpoint;
    await acme.administrator.post('/v1/api-tokens', { name: 'one more', scopes: ['overview:read'] });
    await settle();
    const after = (await ledger()).checkpoint;
    expect(after.size).toBeGreaterThan(before.size);
    const { hashes } = await ledger(`/consistency?from=${before.size}&to=${after.size}`);
    const [fromRoot, toRoot] = [Buffer.from(before.root, 'hex'), Buffer.from(after.root, 'hex')];
    const proof = hashes.map((hash: string) => Buffer.from(hash, 'hex'));
    const claim = { from: before.size, to: after.size, proof, fromRoot, toRoot };
    expect(verifyConsistency(claim)).toBe(true);
    expect(verifyConsistency({ ...claim, fromRoot: toRoot })).toBe(false);
  });

  it('serves tiles and bundles where c2sp.org/tlog-tiles has them', async () => {
    const { size } = await ledger();
    const { items } = await ledger('/entries?limit=500');
    const leaves = items.map(({ leaf }: { leaf: string }) => leaf).reverse();
    const tile = await raw(`/tile/0/000.p/${size}`);
    expect(tile.bytes.toString('hex')).toBe(leaves.join(''));
    const { bytes } = await raw(`/tile/entries/000.p/${size}`);
    expect(bytes.subarray(2, 2 + bytes.readUInt16BE(0)).toString()).toBe(items.at(-1).entry);
    for (const path of ['/tile/0/000', `/tile/0/000.p/${size + 1}`, '/tile/0/001.p/1', '/tile/x']) {
      expect((await raw(path)).status, path).toBe(404);
    }
  });

  it('exports what verifies without us, with and without what it says about people', async () => {
    const { vkey, size } = await ledger();
    for (const [query, opened] of [
      ['', 0],
      ['?private=true', 1],
    ] as const) {
      const report = await verifyExport(await unzip((await raw(`/export${query}`)).bytes), { vkey });
      expect(report.faults.kept).toEqual([]);
      expect(report).toMatchObject({ verdict: 'VERIFIED', organisation: acme.id, size });
      expect(Math.min(report.counts.privateOpened, 1)).toBe(opened);
    }
  });

  it('leaves an entry in the audit when what it says about people goes out, and only then', async () => {
    const mark = await acme.administrator.post('/v1/teams', { name: 'Before the exports' });
    expect(mark.status).toBe(201);
    await raw('/export');
    const reader = await api.program(acme, ['ledger:read']);
    expect((await reader.get('/v1/ledger/export?private=true')).status).toBe(403);
    const { origin } = await ledger();
    await raw('/export?private=true&from=0&to=4');
    const { body } = await acme.administrator.get('/v1/audit?limit=3');
    expect(body.items.map(({ action }: { action: string }) => action)).toEqual([
      'ledger.export',
      'api-token.create',
      'team.create',
    ]);
    expect(body.items[0]).toMatchObject({
      actor: { kind: 'user', name: expect.stringContaining('@') },
      target: origin,
      after: { size: expect.any(Number), from: 0, to: 4 },
    });
  });

  it('is looked at by hand once at a time, with an entry in the audit', async () => {
    const lock = new pg.Client({ connectionString: api.database.adminUrl });
    await lock.connect();
    onTestFinished(() => lock.end());
    // Who looks waits while this is held, so the other one comes meanwhile.
    await lock.query('BEGIN');
    await lock.query('LOCK TABLE ledger_checkpoints IN ACCESS EXCLUSIVE MODE');
    const asked = [1, 2].map(() => acme.administrator.post('/v1/ledger/audit'));
    expect((await Promise.race(asked)).status).toBe(429);
    await lock.query('ROLLBACK');
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 429]);
    const { body } = await acme.administrator.get('/v1/audit?limit=2');
    expect(body.items.map(({ action }: { action: string }) => action)).toEqual([
      'ledger.audit',
      'ledger.export',
    ]);
    expect((await acme.administrator.post('/v1/ledger/audit')).status).toBe(200);
  });

  it('exports no range of nothing, which would be taken for a log that was changed', async () => {
    for (const range of ['from=5&to=2', 'from=2&to=2']) {
      expect((await raw(`/export?${range}`)).status).toBe(400);
    }
    const { vkey } = await ledger();
    const part = await verifyExport(await unzip((await raw('/export?from=1&to=2')).bytes), { vkey });
    expect(part).toMatchObject({ verdict: 'VERIFIED', range: { from: 1, to: 2 } });
  });

  it('shows and proves nothing of another organisation', async () => {
    const mine = await ledger();
    const theirs = await ledger('', other);
    expect(theirs.origin).toBe(`raypher.log/${other.id}`);
    expect(theirs.vkey).not.toBe(mine.vkey);
    const own = await ledger('/entries?limit=500', other);
    expect(
      own.items.every(({ entry }: { entry: string }) => JSON.parse(entry).organisation === other.id),
    ).toBe(true);
    const { size } = mine;
    expect(size).toBeGreaterThan(theirs.size);
    expect((await raw(`/proof?index=${size - 1}`, other)).status).toBe(404);
    expect((await raw(`/checkpoint?size=${size}`, other)).status).toBe(404);
    expect((await raw(`/tile/0/000.p/${size}`, other)).status).toBe(404);
    const exported = await verifyExport(await unzip((await raw('/export', other)).bytes), {
      vkey: mine.vkey,
    });
    expect(exported.verdict).toBe('CORRUPTED');
  });
});

describe('POST /v1/audit/{id}/erase', () => {
  it('erases what an entry says about people; the proof and the audit of everything still hold', async () => {
    const { items } = (await acme.administrator.get('/v1/audit')).body;
    const entry = items.find(({ action }: { action: string }) => action === 'api-token.create');
    expect(entry.actor.name).not.toBe('');
    const path = `/v1/audit/${entry.id}/erase`;
    const admin = await api.member(acme, 'admin');
    expect((await admin.post(path, { reason: 'asked for by the person' })).status).toBe(403);
    const erased = await acme.administrator.post(path, { reason: 'asked for by the person' });
    expect(erased.body).toMatchObject({
      id: entry.id,
      action: entry.action,
      target: '',
      reason: '',
      address: '',
    });
    expect(erased.body.actor).toEqual({ ...entry.actor, name: '' });
    expect((await acme.administrator.get('/v1/audit')).body.items[0]).toMatchObject({
      action: 'audit.erase',
      reason: 'asked for by the person',
    });
    await settle();
    expect((await acme.administrator.post('/v1/ledger/audit')).body).toMatchObject({
      state: 'OK',
      faults: null,
    });
    const { vkey } = await ledger();
    const report = await verifyExport(await unzip((await raw('/export?private=true')).bytes), { vkey });
    expect(report).toMatchObject({ verdict: 'VERIFIED', counts: { privateErased: 1 } });
    expect((await other.administrator.post(path, { reason: 'not theirs' })).status).toBe(404);
  });
});

/** The files of a zip. */
async function unzip(bytes: Buffer): Promise<ExportReader> {
  const files = new Map<string, Buffer>();
  await new Promise<void>((resolve, reject) => {
    yauzl.fromBuffer(bytes, { lazyEntries: true }, (error, zip) => {
      if (error) return reject(error);
      zip.on('error', reject).on('end', resolve);
      zip.on('entry', (entry: yauzl.Entry) => {
        zip.openReadStream(entry, async (failure, stream) => {
          if (failure) return reject(failure);
          files.set(entry.fileName, Buffer.concat(await stream.toArray()));
          zip.readEntry();
        });
      });
      zip.readEntry();
    });
  });
  return {
    read: async (path) => files.get(path),
    lines: (path) => splitLines([files.get(path) ?? new Uint8Array()]),
  };
}
