import { randomUUID, sign } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCheckpoint, leafHash, signNote } from '@raypher/ledger';
import type { LedgerFault } from '@raypher/shared/rest';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LedgerAudits } from '../jobs/ledger-audits.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { LogInstallation, merkleRoot } from '../testing/log-installation.ts';
import type { TestDevice } from '../testing/test-device.ts';
import { CheckpointSigningService } from './checkpoint-signing.service.ts';
import { LedgerAuditService } from './ledger-audit.service.ts';
import { LogGrowthService } from './log-growth.service.ts';
import { logKeyOf } from './log-key.ts';
import { LogRestartService } from './log-restart.service.ts';
import { LogsRepository } from './logs.repository.ts';

/**
 * Each attack is one of somebody who may do anything in the database.
 */
let log: LogInstallation;
let device: TestDevice;

beforeEach(async () => {
  log = await LogInstallation.start((connectionString) => new pg.Client({ connectionString }));
  device = await log.deviceWith(7);
  await log.settle();
  await signNow();
  expect(await audit()).toMatchObject({ state: 'OK', faults: null });
});
afterEach(async () => {
  await log.stop();
});

function audit(organisation = log.organisation, scope: 'new' | 'all' = 'all') {
  return log.installation.api.get(LedgerAuditService, { strict: false }).audit(organisation, scope);
}

/** Signs what has grown, however short ago the log was signed last. */
function signNow(organisation = log.organisation) {
  return log.installation.api
    .get(CheckpointSigningService, { strict: false })
    .sign(organisation, Date.now() + 60_000);
}

async function firstFault(organisation = log.organisation): Promise<LedgerFault | undefined> {
  const { state, faults } = await audit(organisation);
  expect(state).toBe('CORRUPTED');
  return faults?.entries[0];
}

async function placeOf(seq: number, of = device.id): Promise<number> {
  const leaves = await log.leaves();
  return leaves.findIndex(({ entry }) => {
    const read = JSON.parse(entry);
    return read.device === of && read.seq === seq && read.entry === undefined;
  });
}

function openAlerts() {
  return log.query<{ kind: string; severity: string; detail: { count: number; first: LedgerFault } }>(
    `SELECT kind, severity, detail FROM alerts WHERE organisation_id = $1 AND kind LIKE 'ledger.%' AND resolved_at IS NULL`,
    [log.organisation],
  );
}

describe('a log of several tiles', () => {
  it('is looked at as a whole, or only where it is new', async () => {
    const second = await log.deviceWith(700, log.organisation, 150);
    await log.settle();
    await signNow();
    const all = await audit();
    expect(all).toMatchObject({ state: 'OK', faults: null });
    expect(all.entries).toBe((await log.leaves()).length);
    await log.send(second, 5);
    await log.settle();
    await signNow();
    const fresh = await audit(log.organisation, 'new');
    expect(fresh).toMatchObject({ state: 'OK', faults: null });
    // Whole tiles: those from the one on that the last audit ended in.
    expect(fresh.entries).toBe((await log.leaves()).length - (all.entries - (all.entries % 256)));
    const index = await placeOf(300, second.id);
    await log.tamper(
      `UPDATE events SET entry = replace(entry, 'ALLOW', 'DENY_') WHERE device_id = $1 AND seq = 300`,
      [second.id],
    );
    expect((await audit(log.organisation, 'new')).state).toBe('OK');
    expect(await firstFault()).toMatchObject({ code: 'leaf-mismatch', index, device: second.id, seq: 300 });
    // What is new being fine does not take back what was found.
    expect((await audit(log.organisation, 'new')).state).toBe('CORRUPTED');
  });
});

describe('an insider with the database', () => {
  it('edits an entry: it is named, an alert is open, and all is well again only when it is put back', async () => {
    const [{ entry = '' } = {}] = await log.query<{ entry: string }>(
      'SELECT entry FROM events WHERE device_id = $1 AND seq = 4',
      [device.id],
    );
    await log.tamper('UPDATE events SET entry = $2 WHERE device_id = $1 AND seq = 4', [
      device.id,
      entry.replace('ALLOW', 'DENY_'),
    ]);
    const fault = { code: 'leaf-mismatch', index: await placeOf(4), device: device.id, seq: 4 };
    expect(await firstFault()).toMatchObject(fault);
    expect(await openAlerts()).toMatchObject([
      { kind: 'ledger.corrupted', severity: 'critical', detail: { first: fault } },
    ]);
    await audit();
    expect(await openAlerts()).toHaveLength(1);
    await log.tamper('UPDATE events SET entry = $2 WHERE device_id = $1 AND seq = 4', [device.id, entry]);
    expect(await audit()).toMatchObject({ state: 'OK', faults: null });
    expect(await openAlerts()).toEqual([]);
  });

  it('deletes an entry', async () => {
    const index = await placeOf(3);
    await log.tamper('DELETE FROM events WHERE device_id = $1 AND seq = 3', [device.id]);
    expect(await firstFault()).toMatchObject({ code: 'entry-missing', index, device: device.id, seq: 3 });
  });

  it('inserts an entry that nobody sent', async () => {
    await log.tamper(
      `INSERT INTO events SELECT organisation_id, device_id, 8, nextval('events_position'), received_on, received_at, occurred_at,
         type, severity, actor_kind, actor_id, actor_name, action, target, outcome, mode, rule, policy_revision, hash, entry
       FROM events WHERE device_id = $1 AND seq = 7`,
      [device.id],
    );
    expect(await firstFault()).toMatchObject({ code: 'entry-unplaced', device: device.id, seq: 8 });
  });

  it('reorders: two entries change their places', async () => {
    await log.tamper(
      `UPDATE events SET seq = CASE seq WHEN 2 THEN 1002 ELSE 1005 END WHERE device_id = $1 AND seq IN (2, 5)`,
      [device.id],
    );
    await log.tamper(
      `UPDATE events SET seq = CASE seq WHEN 1002 THEN 5 ELSE 2 END WHERE device_id = $1 AND seq > 1000`,
      [device.id],
    );
    expect(await firstFault()).toMatchObject({
      code: 'leaf-mismatch',
      index: await placeOf(5),
      device: device.id,
      seq: 2,
    });
  });

  it('edits, or takes out, what an administrator did', async () => {
    const [{ index = 0 } = {}] = await log.query<{ index: number }>(
      `SELECT leaf_index::int AS index FROM ledger_control WHERE organisation_id = $1 AND kind = 'device-key'`,
      [log.organisation],
    );
    await log.tamper(
      `UPDATE ledger_control SET entry = replace(entry, '"device-key"', '"audit"') WHERE leaf_index = $1`,
      [index],
    );
    expect(await firstFault()).toMatchObject({ code: 'leaf-mismatch', index });
    await log.tamper('DELETE FROM ledger_control WHERE leaf_index = $1', [index]);
    expect(await firstFault()).toMatchObject({ code: 'entry-missing', index });
  });

  it('forges the signature of a device', async () => {
    const forged = sign('sha256', Buffer.from('something else'), { key: device.key, dsaEncoding: 'der' });
    await log.tamper('UPDATE ledger_batches SET signature = $2 WHERE device_id = $1 AND first_seq = 4', [
      device.id,
      forged,
    ]);
    const found = await firstFault();
    expect(found).toMatchObject({ code: 'device-signature', device: device.id });
    expect(found?.index).toBeGreaterThanOrEqual(await placeOf(4));
    expect(found?.index).toBeLessThanOrEqual(await placeOf(6));
  });

  it('swaps entries of two tenants: both are named', async () => {
    const other = randomUUID();
    await log.installation.createOrganisation(other, 'Other organisation');
    const theirs = await log.deviceWith(3, other);
    await log.settle();
    await signNow(other);
    expect(await audit(other)).toMatchObject({ state: 'OK' });
    await log.tamper(
      `UPDATE events AS e SET entry = o.entry, hash = o.hash FROM events o
        WHERE e.seq = 2 AND o.seq = 2 AND (e.device_id, o.device_id) IN (($1::uuid, $2::uuid), ($2::uuid, $1::uuid))`,
      [device.id, theirs.id],
    );
    const codes = async (organisation: string) =>
      (await audit(organisation)).faults?.entries.map(({ code, seq }) => [code, seq]);
    for (const organisation of [log.organisation, other]) {
      expect(await codes(organisation)).toEqual(
        expect.arrayContaining([
          ['leaf-mismatch', 2],
          ['wrong-organisation', 2],
        ]),
      );
    }
  });

  it('edits a tile: the log neither grows on top of it nor is signed', async () => {
    await log.tamper(
      `UPDATE ledger_tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE organisation_id = $1 AND level = 0`,
      [log.organisation],
    );
    const [before] = await log.query<{ size: string }>(
      'SELECT size FROM ledger_logs WHERE organisation_id = $1',
      [log.organisation],
    );
    await log.send(device, 2);
    await log.writer.round();
    await log.writer.round();
    expect(await openAlerts()).toMatchObject([
      { kind: 'ledger.corrupted', detail: { first: { code: 'frontier-mismatch' } } },
    ]);
    expect(
      (await log.query('SELECT size FROM ledger_logs WHERE organisation_id = $1', [log.organisation]))[0],
    ).toEqual(before);
    expect(await firstFault()).toMatchObject({ code: 'leaf-mismatch', index: 0 });
  });

  it('deletes the newest checkpoint: the same one is signed again, and no other', async () => {
    const newest =
      'SELECT size, root, note FROM ledger_checkpoints WHERE organisation_id = $1 ORDER BY size DESC LIMIT 1';
    const before = await log.query(newest, [log.organisation]);
    await log.tamper('DELETE FROM ledger_checkpoints WHERE organisation_id = $1', [log.organisation]);
    await expect.poll(() => log.query(newest, [log.organisation])).toEqual(before);
  });

  it('truncates the tail: entries, tiles and checkpoints of the end are gone without a trace in the database', async () => {
    const backup = await backUp();
    await log.send(device, 4);
    await log.settle();
    await signNow();
    await restore(backup);
    expect(await firstFault()).toMatchObject({ code: 'rolled-back', index: backup.size });
    expect(await openAlerts()).toMatchObject([{ kind: 'ledger.rolled-back', severity: 'critical' }]);
  });

  it('restores an old backup, and the log grows past what was signed: it is never signed again', async () => {
    const backup = await backUp();
    await log.send(device, 2);
    await log.settle();
    await signNow();
    await restore(backup);
    // All of it gets its place at once: a round that signed after a part would find the log too short, and pause.
    await log.query('BEGIN');
    await log.query('LOCK TABLE ledger_logs IN ACCESS EXCLUSIVE MODE');
    await log.deviceWith(6);
    await log.query('COMMIT');
    await log.settle();
    await expect(signNow()).rejects.toMatchObject({ fault: { code: 'forked' } });
    expect(await log.query('SELECT 1 FROM ledger_checkpoints WHERE size > $1', [backup.size])).toEqual([]);
    expect(await firstFault()).toMatchObject({ code: 'forked' });
  });

  it('restores an old backup: the log goes on under another name only when a person says why', async () => {
    const { organisation } = log;
    const restarts = log.installation.api.get(LogRestartService, { strict: false });
    const caller = await log.installation.caller();
    const order = { reason: 'restored from the backup of last night', confirm: 'Test organisation' };
    await expect(restarts.restart(caller, order)).rejects.toMatchObject({ code: 'request/conflict' });
    const backup = await backUp();
    await log.send(device, 2);
    await log.settle();
    await signNow();
    await restore(backup);
    expect(await firstFault()).toMatchObject({ code: 'rolled-back' });
    await expect(restarts.restart(caller, { ...order, confirm: 'no' })).rejects.toMatchObject({
      code: 'request/invalid',
    });
    const { origin } = await restarts.restart(caller, order);
    expect(origin).toBe(`raypher.log/${organisation}/2`);
    // Rounds pause for an organisation whose log was found to be wrong; this one is the first after it.
    await log.installation.api.get(LogGrowthService, { strict: false }).grow(organisation);
    await signNow();
    expect(await audit()).toMatchObject({ state: 'OK', faults: null });
    const entries = (await log.leaves()).map(({ entry }) => JSON.parse(entry));
    const restarted = entries.findLast(({ kind }) => kind === 'log-key');
    expect(restarted.after).toEqual({ origin: `raypher.log/${organisation}`, size: backup.size });
    expect(await openAlerts()).toEqual([]);
  });

  it('dates the newest checkpoint years ahead: the log is signed as before', async () => {
    await log.tamper(
      `UPDATE ledger_checkpoints SET at = now() + interval '10 years' WHERE organisation_id = $1`,
      [log.organisation],
    );
    await log.send(device, 2);
    await log.settle();
    const signing = log.installation.api.get(CheckpointSigningService, { strict: false });
    await signing.sign(log.organisation);
    expect(
      await log.query(
        `SELECT 1 FROM ledger_checkpoints c JOIN ledger_logs l USING (organisation_id, size) WHERE organisation_id = $1`,
        [log.organisation],
      ),
    ).toHaveLength(1);
  });

  it('dates the last audit of everything years ahead: the next one looks at everything all the same', async () => {
    await log.tamper(
      `UPDATE ledger_logs SET completed_at = now() + interval '10 years', audited_size = 256 WHERE organisation_id = $1`,
      [log.organisation],
    );
    await log.tamper(
      `UPDATE events SET entry = replace(entry, 'ALLOW', 'DENY_') WHERE device_id = $1 AND seq = 4`,
      [device.id],
    );
    await log.installation.api.get(LedgerAudits, { strict: false }).run();
    expect(await openAlerts()).toMatchObject([{ kind: 'ledger.corrupted' }]);
  });

  it('takes the key away and gives the log another name, as if a person had let it begin again: it is said, and kept', async () => {
    const { organisation } = log;
    const path = (name: string) => join(log.installation.directory, 'pki', 'checkpoints', name);
    const before = await readFile(path(`${organisation}.note`), 'utf8');
    await log.tamper(
      `UPDATE ledger_logs SET origin = origin || '/2', generation = 2, key_statement = NULL, key_signature = NULL,
         policy_key_id = NULL WHERE organisation_id = $1`,
      [organisation],
    );
    await log.send(device, 2);
    await log.settle();
    await signNow();
    expect(await openAlerts()).toMatchObject([
      {
        kind: 'ledger.renamed',
        severity: 'critical',
        detail: {
          before: `raypher.log/${organisation}`,
          after: `raypher.log/${organisation}/2`,
          note: before,
        },
      },
    ]);
    expect(await readFile(path(`${organisation}.1.note`), 'utf8')).toBe(before);
    expect(await audit()).toMatchObject({ state: 'OK' });
    expect(await openAlerts()).toHaveLength(1);
  });

  it('forks the log: another past, rebuilt without a flaw and signed with the real key', async () => {
    const leaves = await log.leaves();
    const index = await placeOf(2);
    const forged = leaves.map(({ entry }, at) =>
      Buffer.from(at === index ? entry.replace('ALLOW', 'DENY_') : entry),
    );
    const root = merkleRoot(forged);
    const hashes = Buffer.concat(forged.map((entry) => leafHash(entry)));
    const forgedNote = await signAs(leaves.length, root);
    await log.tamper('UPDATE events SET entry = $2 WHERE device_id = $1 AND seq = 2', [
      device.id,
      forged[index]?.toString(),
    ]);
    await log.tamper('UPDATE ledger_tiles SET hashes = $2 WHERE organisation_id = $1 AND level = 0', [
      log.organisation,
      hashes,
    ]);
    await log.tamper('UPDATE ledger_logs SET frontier = $2 WHERE organisation_id = $1', [
      log.organisation,
      frontierOf(forged),
    ]);
    await log.tamper('DELETE FROM ledger_checkpoints WHERE organisation_id = $1', [log.organisation]);
    await log.tamper(
      'INSERT INTO ledger_checkpoints (organisation_id, size, root, note) VALUES ($1, $2, $3, $4)',
      [log.organisation, leaves.length, root, forgedNote],
    );
    expect(await firstFault()).toMatchObject({ code: 'forked', index: leaves.length - 1 });
  });

  it('replaces what this installation remembers: what the key of the log did not sign is not believed', async () => {
    const path = join(log.installation.directory, 'pki', 'checkpoints', `${log.organisation}.note`);
    const note = await readFile(path, 'utf8');
    const [, size = ''] = note.split('\n');
    await writeFile(path, note.replace(`\n${size}\n`, '\n1\n'));
    expect(await firstFault()).toMatchObject({ code: 'rolled-back' });
  });
});

/** What somebody who has the master key, too, can sign. */
async function signAs(size: number, root: Uint8Array): Promise<string> {
  const { api, tenants } = log.installation;
  return tenants.within(log.organisation, async (tx) => {
    const stored = await api.get(LogsRepository, { strict: false }).find(tx);
    if (stored === undefined) throw new Error('there is no log');
    const { key } = logKeyOf(stored);
    const signer = await api.get(OrganisationKeysService).logSigner(tx, log.organisation, key.publicKey);
    const text = formatCheckpoint({ origin: stored.origin, size, root });
    return signNote(text, [
      { name: key.name, keyHash: key.keyHash, sign: (bytes: Uint8Array) => signer.sign(bytes) },
    ]);
  });
}

/** Roots of the perfect subtrees, largest first. */
function frontierOf(entries: readonly Uint8Array[]): Buffer {
  const roots: Buffer[] = [];
  for (let start = 0; start < entries.length; ) {
    let width = 1;
    while (width * 2 <= entries.length - start) width *= 2;
    roots.push(merkleRoot(entries.slice(start, start + width)));
    start += width;
  }
  return Buffer.concat(roots);
}

const RESTORED = [
  'ledger_logs',
  'ledger_tiles',
  'ledger_checkpoints',
  'ledger_batches',
  'ledger_control',
  'device_chains',
  'events',
] as const;

async function backUp(): Promise<{ size: number; rows: Map<string, unknown[]> }> {
  const rows = new Map<string, unknown[]>();
  for (const table of RESTORED) {
    rows.set(
      table,
      (await log.query<{ row: unknown }>(`SELECT to_jsonb(t) AS row FROM ${table} t`)).map(({ row }) => row),
    );
  }
  const [{ size = 0 } = {}] = await log.query<{ size: number }>(
    'SELECT size::int FROM ledger_logs WHERE organisation_id = $1',
    [log.organisation],
  );
  return { size, rows };
}

async function restore({ rows }: { rows: Map<string, unknown[]> }): Promise<void> {
  // At once: the writer of the log, which works meanwhile, would act on a part of it.
  await log.query('BEGIN');
  await log.query('LOCK TABLE ledger_logs IN ACCESS EXCLUSIVE MODE');
  for (const table of RESTORED.toReversed()) await log.tamper(`DELETE FROM ${table}`);
  for (const table of RESTORED) {
    await log.tamper(
      `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1)`,
      [JSON.stringify(rows.get(table))],
    );
  }
  await log.query('COMMIT');
}
