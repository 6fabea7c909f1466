import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto';
import { parseCheckpoint, parseVerifierKey, verifyExport, verifyNote, writeExport } from '@raypher/ledger';
import { collectParts, memoryReader } from '@raypher/ledger/testing';
import { STARTER_POLICY } from '@raypher/policy';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../audit/audit.repository.ts';
import { CommandsService } from '../commands/commands.service.ts';
import { PoliciesService } from '../policies/policies.service.ts';
import { FoundingService } from '../tenancy/founding.service.ts';
import { LogInstallation, merkleRoot } from '../testing/log-installation.ts';
import { quickest } from '../testing/quickest.ts';
import { LogExportService } from './log-export.service.ts';
import { LogGrowthService } from './log-growth.service.ts';

let log: LogInstallation;

beforeAll(async () => {
  log = await LogInstallation.start((connectionString) => new pg.Client({ connectionString }));
});
afterAll(async () => {
  await log.stop();
});

async function stored() {
  const [row] = await log.query<{
    origin: string;
    size: number;
    key_statement: Buffer;
    key_signature: Buffer;
    policy_key_id: string;
    control_id: number;
  }>('SELECT *, size::int, control_id::int FROM ledger_logs WHERE organisation_id = $1', [log.organisation]);
  if (row === undefined) throw new Error('there is no log');
  return row;
}

function checkpoints() {
  return log.query<{ size: number; root: Buffer; note: string }>(
    'SELECT size::int, root, note FROM ledger_checkpoints WHERE organisation_id = $1 ORDER BY size',
    [log.organisation],
  );
}

describe('the log of an organisation', () => {
  it('has every entry once, in order, under the root that RFC 6962 gives it', async () => {
    const [first, second] = [await log.deviceWith(7), await log.deviceWith(4)];
    await log.settle();
    const leaves = await log.leaves();
    expect(leaves.map(({ index }) => index)).toEqual(leaves.map((_, index) => index));
    expect((await stored()).size).toBe(leaves.length);
    const entries = leaves.map(({ entry }) => JSON.parse(entry));
    for (const device of [first, second]) {
      const own = entries.filter((entry) => entry.device === device.id && entry.entry === undefined);
      expect(own.map(({ seq }) => seq)).toEqual(own.map((_, at) => at + 1));
      expect(own).toHaveLength(device.head.seq);
    }
    await expect.poll(async () => (await checkpoints()).at(-1)?.size).toBe(leaves.length);
    const root = merkleRoot(leaves.map(({ entry }) => Buffer.from(entry)));
    expect((await checkpoints()).at(-1)?.root.toString('hex')).toBe(root.toString('hex'));
  });

  it('names the key of a device before the first thing that it signed', async () => {
    const device = await log.deviceWith(1);
    await log.settle();
    const entries = (await log.leaves()).map(({ entry }) => JSON.parse(entry));
    const key = entries.findIndex(({ kind, device: of }) => kind === 'device-key' && of === device.id);
    expect(key).toBeGreaterThan(0);
    expect(key).toBeLessThan(
      entries.findIndex((entry) => entry.device === device.id && entry.entry === undefined),
    );
    const spki = createPublicKey(device.key).export({ format: 'der', type: 'spki' });
    expect(entries[key].publicKey).toBe(spki.toString('base64'));
  });

  it('chains what the control plane did, from 1 without gaps', async () => {
    await log.settle();
    const control = (await log.leaves())
      .map(({ entry }) => entry)
      .filter((entry) => JSON.parse(entry).entry === 'control');
    let prev = '0'.repeat(64);
    for (const [at, entry] of control.entries()) {
      expect(JSON.parse(entry)).toMatchObject({ v: 1, organisation: log.organisation, id: at + 1, prev });
      prev = createHash('sha256').update(entry).digest('hex');
    }
    expect((await stored()).control_id).toBe(control.length);
  });

  it('is signed by a key that the policy key vouches for', async () => {
    await log.settle();
    const row = await stored();
    const [key] = await log.query<{ public_key: Buffer }>(
      `SELECT public_key FROM organisation_keys WHERE key_id = $1 AND purpose = 'policy-signing'`,
      [row.policy_key_id],
    );
    const x = key?.public_key.toString('base64url') ?? '';
    const policyKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, row.key_statement, policyKey, row.key_signature)).toBe(true);
    const statement = JSON.parse(row.key_statement.toString());
    expect(statement).toMatchObject({ context: 'raypher.v1.LogKey', organisation: log.organisation });
    const [newest] = (await checkpoints()).slice(-1);
    const { text } = verifyNote(newest?.note ?? '', [parseVerifierKey(statement.vkey)]);
    expect(parseCheckpoint(text)).toMatchObject({ origin: row.origin, size: newest?.size });
  });

  it('is signed within 5 s of growing, by checkpoints that each go on from the one before', async () => {
    await log.settle();
    const signing = async () => {
      const before = (await checkpoints()).length;
      await log.deviceWith(2);
      const durable = performance.now();
      await expect.poll(async () => (await checkpoints()).length, { interval: 50 }).toBeGreaterThan(before);
      return performance.now() - durable;
    };
    expect(await quickest(5_000, signing)).toBeLessThan(5_000);
    await log.deviceWith(3);
    await log.settle();
    const { size: all } = await stored();
    await expect.poll(async () => (await checkpoints()).at(-1)?.size).toBe(all);
    const leaves = (await log.leaves()).map(({ entry }) => Buffer.from(entry));
    for (const { size, root } of await checkpoints()) {
      expect(merkleRoot(leaves.slice(0, size)).equals(root), `checkpoint of ${size}`).toBe(true);
    }
  });

  it('grows by one process at a time, however many there are', async () => {
    await log.deviceWith(9);
    const growth = log.installation.api.get(LogGrowthService, { strict: false });
    await Promise.all(Array.from({ length: 6 }, () => growth.grow(log.organisation)));
    await log.settle();
    const leaves = await log.leaves();
    expect(leaves.map(({ index }) => index)).toEqual(leaves.map((_, index) => index));
    expect((await stored()).size).toBe(leaves.length);
  });

  it('has which orders and revisions were signed, by their digest', async () => {
    const device = await log.deviceWith(1);
    const { api, tenants } = log.installation;
    const { organisation } = log;
    const command = await api
      .get(CommandsService, { strict: false })
      .send(await log.installation.caller(), device.id, {
        verb: 'scan',
        arguments: {},
        reason: 'to see what runs',
      });
    await tenants.within(organisation, (tx) =>
      api.get(PoliciesService, { strict: false }).found(tx, organisation, SYSTEM, STARTER_POLICY),
    );
    await log.settle();
    const entries = (await log.leaves()).map(({ entry }) => JSON.parse(entry));
    const [order] = await log.query<{ payload: Buffer }>('SELECT payload FROM commands WHERE id = $1', [
      command.id,
    ]);
    expect(entries.find(({ kind }) => kind === 'command')).toMatchObject({
      command: command.id,
      device: device.id,
      verb: 'scan',
      digest: createHash('sha256')
        .update(order?.payload ?? '')
        .digest('hex'),
    });
    const bundles = await log.query<{ kind: string; digest: Buffer }>(
      'SELECT kind, digest FROM state_bundles WHERE organisation_id = $1',
      [organisation],
    );
    expect(bundles.length).toBeGreaterThan(0);
    for (const { kind, digest } of bundles) {
      const entry = entries.find((one) => one.kind === kind && one.digest === digest.toString('hex'));
      expect(entry, kind).toMatchObject({ revision: 1, team: null });
    }
  });

  it('is exported up to one checkpoint, whatever it grows by meanwhile', async () => {
    await log.deviceWith(2);
    await log.settle();
    await expect.poll(async () => (await checkpoints()).length).toBeGreaterThan(0);
    const exports = log.installation.api.get(LogExportService, { strict: false });
    const source = await exports.source(log.organisation, { privateParts: false });
    await log.deviceWith(5);
    await log.settle();
    const report = await verifyExport(memoryReader(await collectParts(writeExport(source))));
    expect(report.faults.kept).toEqual([]);
    expect(report.size).toBe(source.size);
  });

  it('of an installation that is older begins with what nobody signed, before the first entry of the control plane', async () => {
    const lock = new pg.Client({ connectionString: log.installation.database.adminUrl });
    await lock.connect();
    // No log is opened while this is held.
    await lock.query('BEGIN');
    await lock.query('LOCK TABLE ledger_logs IN ACCESS EXCLUSIVE MODE');
    const { organisation } = await log.installation.api
      .get(FoundingService, { strict: false })
      .ensure({ organisation: 'Older', email: 'older@example.test', password: randomUUID() });
    const device = randomUUID();
    await log.query(
      `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint, machine_id)
        VALUES ($1, $2, 'older', 'linux', '6.1', 'x64', '0.1.0', 'software', sha256('k'), 'm')`,
      [device, organisation],
    );
    // As migration 0011 writes them.
    await log.query(
      `INSERT INTO ledger_batches (organisation_id, device_id, first_seq, count, signed_first_seq, signed_count, head, leaf_hashes)
        SELECT $1, $2, seq, 2, seq, 2, sha256('h'), sha256('a') || sha256('b') FROM UNNEST(ARRAY[1, 3]) AS seq`,
      [organisation, device],
    );
    await lock.query('ROLLBACK');
    await lock.end();
    await log.settle();
    const places = await log.query<{ places: number[] }>(
      'SELECT array_agg(first_index::int ORDER BY first_seq) AS places FROM ledger_batches WHERE organisation_id = $1',
      [organisation],
    );
    expect(places).toEqual([{ places: [0, 2] }]);
    const [first] = await log.query<{ place: number }>(
      'SELECT leaf_index::int AS place FROM ledger_control WHERE organisation_id = $1 ORDER BY id LIMIT 1',
      [organisation],
    );
    expect(first).toEqual({ place: 4 });
  });
});
