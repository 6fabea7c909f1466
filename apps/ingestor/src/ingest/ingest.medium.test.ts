import 'reflect-metadata';
import { createHash, randomUUID } from 'node:crypto';
import { EMPTY_CHAIN } from '@raypher/ledger';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { LIVE_CHANNEL, type LiveEvent, parseLiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { decidedEntry, requestedEntry } from '../testing/approval-entries.ts';
import { Installation } from '../testing/installation.ts';
import type { TestDevice } from '../testing/test-device.ts';
import { LedgerRepository } from './ledger.repository.ts';

let installation: Installation;
let admin: pg.Client;
let devices: TestDevice[] = [];

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});

afterEach(() => {
  for (const device of devices) device.close();
  devices = [];
});

afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

async function enrol(): Promise<TestDevice> {
  const device = await installation.enrolDevice();
  devices.push(device);
  return device;
}

async function storedEntries(device: TestDevice): Promise<string[]> {
  const { rows } = await admin.query<{ entry: string }>(
    'SELECT entry FROM events WHERE device_id = $1 ORDER BY seq, received_on',
    [device.id],
  );
  return rows.map((row) => row.entry);
}

async function alertsOf(device: TestDevice): Promise<{ kind: string; occurrences: number }[]> {
  const { rows } = await admin.query<{ kind: string; occurrences: number }>(
    'SELECT kind, occurrences FROM alerts WHERE device_id = $1',
    [device.id],
  );
  return rows;
}

const texts = (entries: Buffer[]) => entries.map((entry) => entry.toString('utf8'));

describe('the ledger', () => {
  it('keeps the exact bytes of every entry and acknowledges after the commit', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const entries = device.record(3, (entry, index) => {
      entry.target = ['tab\there', 'back\\slash \\N \\.', 'line\nbreak, héllo 你好 "quoted"'][index];
    });
    stream.send({ $case: 'events', value: device.batch(entries, 1) });
    await stream.durable(3);
    expect(await storedEntries(device)).toEqual(texts(entries));
    const { rows } = await admin.query('SELECT last_seq, last_hash FROM device_chains WHERE device_id = $1', [
      device.id,
    ]);
    expect(rows[0]).toEqual({ last_seq: '3', last_hash: Buffer.from(device.head.hash, 'hex') });
  });

  it('stores what comes twice, overlapping or in pieces exactly once', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const entries = device.record(10);
    const send = (from: number, to: number) =>
      stream.send({ $case: 'events', value: device.batch(entries.slice(from, to), from + 1) });
    send(0, 4);
    send(0, 4);
    send(2, 6);
    send(0, 10);
    send(5, 7);
    await stream.durable(10);
    await stream.next('eventAck');
    expect(await storedEntries(device)).toEqual(texts(entries));
    expect(await alertsOf(device)).toEqual([]);
  });

  it('keeps each batch with its signature and what its new entries are in the log', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const entries = device.record(5);
    const batches = [device.batch(entries.slice(0, 3), 1), device.batch(entries.slice(1), 2)];
    const lock = new pg.Client({ connectionString: installation.database.adminUrl });
    await lock.connect();
    onTestFinished(() => lock.end());
    // Nothing gets its place in the log while this is held.
    await lock.query('BEGIN');
    await lock.query('LOCK TABLE ledger_logs IN ACCESS EXCLUSIVE MODE');
    for (const value of batches) stream.send({ $case: 'events', value });
    await stream.durable(5);
    const { rows } = await admin.query(
      `SELECT first_seq, count, signed_first_seq, signed_count, head, signature, leaf_hashes, first_index
        FROM ledger_batches WHERE device_id = $1 ORDER BY first_seq`,
      [device.id],
    );
    const leaf = (entry: Buffer) => createHash('sha256').update(Buffer.of(0)).update(entry).digest();
    const [first, second] = batches;
    const waiting = { first_index: null };
    expect(rows).toEqual([
      {
        ...waiting,
        first_seq: '1',
        count: 3,
        signed_first_seq: '1',
        signed_count: 3,
        head: first?.chainHead,
        signature: first?.signature,
        leaf_hashes: Buffer.concat(entries.slice(0, 3).map(leaf)),
      },
      {
        ...waiting,
        first_seq: '4',
        count: 2,
        signed_first_seq: '2',
        signed_count: 4,
        head: second?.chainHead,
        signature: second?.signature,
        leaf_hashes: Buffer.concat(entries.slice(3).map(leaf)),
      },
    ]);
  });

  it('goes on after a reconnect from where the acknowledgement says', async () => {
    const device = await enrol();
    const first = await device.open(installation.linkPort);
    const entries = device.record(4);
    first.send({ $case: 'events', value: device.batch(entries.slice(0, 2), 1) });
    await first.durable(2);
    first.close();
    const second = device.connect(installation.linkPort);
    second.send({ $case: 'hello', value: device.hello() });
    expect((await second.next('eventAck')).durableThroughSeq).toBe(2n);
    second.send({ $case: 'events', value: device.batch(entries.slice(2), 3) });
    await second.durable(4);
    expect(await storedEntries(device)).toEqual(texts(entries));
  });

  it('gives positions in the order of arrival and tells the live views', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const seen: LiveEvent[] = [];
    const subscriber = installation.api.get(RedisConnections).connect('test');
    await subscriber.subscribe(LIVE_CHANNEL);
    subscriber.on('message', (_channel: string, text: string) => {
      const message = parseLiveMessage(text);
      // A message holds what the organisation's devices sent within a moment, those of other tests too.
      if (message?.kind === 'events')
        seen.push(...message.items.filter(({ deviceId }) => deviceId === device.id));
    });
    stream.send({ $case: 'events', value: device.batch(device.record(2), 1) });
    await stream.durable(2);
    await expect.poll(() => seen.length).toBe(2);
    const { rows } = await admin.query('SELECT position FROM events WHERE device_id = $1 ORDER BY seq', [
      device.id,
    ]);
    expect(seen).toMatchObject([
      { hostname: 'test-laptop', seq: 1, position: rows[0].position },
      { seq: 2, position: rows[1].position },
    ]);
    subscriber.disconnect();
  });

  it('puts a question to people on their screens, in the transaction that stores it', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const subscriber = installation.api.get(RedisConnections).connect('test');
    await subscriber.subscribe(LIVE_CHANNEL);
    const id = randomUUID();
    const announced = new Promise((resolve) => {
      subscriber.on('message', (_channel: string, text: string) => {
        const message = parseLiveMessage(text);
        // The channel is common to all who use this Redis.
        if (message?.kind === 'approval' && message.asked.includes(id)) resolve(message);
      });
    });
    const entries = device.record(2, (entry, index) =>
      Object.assign(entry, index === 0 ? requestedEntry({ approval: id }) : decidedEntry(id)),
    );
    stream.send({ $case: 'events', value: device.batch(entries, 1) });
    expect(await announced).toMatchObject({ asked: [id], ended: [id] });
    const { rows } = await admin.query('SELECT seq, ended_seq, how FROM approvals WHERE id = $1', [id]);
    expect(rows).toEqual([{ seq: '1', ended_seq: '2', how: 'timeout' }]);
    subscriber.disconnect();
  });
});

describe('the ledger refuses, stores nothing and raises an alert for', () => {
  async function expectRefusal(
    change: (
      device: TestDevice,
      entries: Buffer[],
    ) => Parameters<TestDevice['batch']> | ReturnType<TestDevice['batch']>,
    code: string,
  ): Promise<void> {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const entries = device.record(5);
    stream.send({ $case: 'events', value: device.batch(entries.slice(0, 2), 1) });
    await stream.durable(2);
    const changed = change(device, entries);
    stream.send({ $case: 'events', value: Array.isArray(changed) ? device.batch(...changed) : changed });
    expect(await stream.ended).toMatchObject({ status: 15, code });
    expect(await storedEntries(device)).toEqual(texts(entries.slice(0, 2)));
    await expect.poll(() => alertsOf(device)).toEqual([{ kind: code, occurrences: 1 }]);
  }

  it('a gap', () => expectRefusal((_device, entries) => [entries.slice(3), 4], 'ledger/chain-broken'));

  it('entries in another order', () =>
    expectRefusal(
      (_device, [, , third, fourth, fifth]) => [
        [fourth, third, fifth].filter((entry) => entry !== undefined),
        3,
      ],
      'ledger/chain-broken',
    ));

  it('a changed entry in the middle', () =>
    expectRefusal((_device, [, , third, fourth, fifth]) => {
      const changed = Buffer.from(
        (third ?? Buffer.alloc(0)).toString('utf8').replace('api.example.com', 'api.hidden.com'),
      );
      return [[changed, fourth, fifth].filter((entry) => entry !== undefined), 3];
    }, 'ledger/chain-broken'));

  it('another history in front of the stored head', () =>
    expectRefusal((device) => {
      device.head = EMPTY_CHAIN;
      return [device.record(4, (entry) => Object.assign(entry, { action: 'rewritten' })), 1];
    }, 'ledger/chain-broken'));

  it('a continuation of another history', () =>
    expectRefusal((device) => {
      device.head = { seq: 2, hash: 'a'.repeat(64) };
      return [device.record(1), 3];
    }, 'ledger/chain-broken'));

  it('a head that is not the last entry’s', () =>
    expectRefusal((device, entries) => {
      const batch = device.batch(entries.slice(2), 3);
      return { ...batch, chainHead: Buffer.alloc(32, 1) };
    }, 'ledger/chain-broken'));

  it('a signature over something else', () =>
    expectRefusal((device, entries) => {
      const batch = device.batch(entries.slice(2), 3);
      return { ...batch, signature: device.batch(entries.slice(2, 4), 3).signature };
    }, 'ledger/signature-invalid'));

  it('an entry in the name of another device', () =>
    expectRefusal((device) => {
      device.head = { ...device.head, seq: 2 };
      const entries = device.record(1, (entry) => Object.assign(entry, { device: device.organisationId }));
      return [entries, 3];
    }, 'ledger/chain-broken'));

  it('an entry that is not canonical', () =>
    expectRefusal((_device, [, , third]) => {
      const text = (third ?? Buffer.alloc(0)).toString('utf8');
      return [[Buffer.from(text.replace('"action":"call"', '"action":"hide","action":"call"'))], 3];
    }, 'ledger/chain-broken'));

  it('an entry with keys that would not fit into the alert', () =>
    expectRefusal((device) => {
      device.head = { seq: 2, hash: device.head.hash };
      return [device.record(1, (entry) => Object.assign(entry, { 'x\0y': 1 })), 3];
    }, 'ledger/chain-broken'));
});

describe('a device that connects', () => {
  it('with less history than it has told us was rolled back', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const entries = device.record(3);
    stream.send({ $case: 'events', value: device.batch(entries, 1) });
    await stream.durable(3);
    stream.close();
    for (const occurrences of [1, 2]) {
      const rolledBack = device.connect(installation.linkPort);
      rolledBack.send({
        $case: 'hello',
        value: device.hello({ ledgerHead: { seq: 1n, hash: Buffer.alloc(32) } }),
      });
      expect(await rolledBack.ended).toMatchObject({ status: 15, code: 'ledger/rolled-back' });
      expect(await alertsOf(device)).toEqual([{ kind: 'ledger/rolled-back', occurrences }]);
    }
  });

  it('with nothing left goes on from our head, and somebody is told', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    stream.send({ $case: 'events', value: device.batch(device.record(3), 1) });
    await stream.durable(3);
    stream.close();
    const again = device.connect(installation.linkPort);
    again.send({
      $case: 'hello',
      value: device.hello({ ledgerHead: { seq: 0n, hash: Buffer.alloc(32) } }),
    });
    await again.durable(3);
    expect(await alertsOf(device)).toEqual([{ kind: 'ledger/rolled-back', occurrences: 1 }]);
    again.send({ $case: 'events', value: device.batch(device.record(1), 4) });
    await again.durable(4);
    again.close();
  });

  it('with another last entry than ours has changed its history', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    stream.send({ $case: 'events', value: device.batch(device.record(3), 1) });
    await stream.durable(3);
    stream.close();
    const forked = device.connect(installation.linkPort);
    forked.send({
      $case: 'hello',
      value: device.hello({ ledgerHead: { seq: 3n, hash: Buffer.alloc(32, 7) } }),
    });
    expect(await forked.ended).toMatchObject({ status: 15, code: 'ledger/chain-broken' });
  });
});

describe('one micro-batch of many devices', () => {
  it('stores the good ones when one is bad', async () => {
    const [good, bad, other] = [await enrol(), await enrol(), await enrol()];
    const [goodStream, badStream, otherStream] = [
      await good.open(installation.linkPort),
      await bad.open(installation.linkPort),
      await other.open(installation.linkPort),
    ];
    bad.head = { seq: 7, hash: 'b'.repeat(64) };
    const badEntries = bad.record(2);
    badStream.send({ $case: 'events', value: bad.batch(badEntries, 8) });
    goodStream.send({ $case: 'events', value: good.batch(good.record(2), 1) });
    otherStream.send({ $case: 'events', value: other.batch(other.record(2), 1) });
    expect(await badStream.ended).toMatchObject({ code: 'ledger/chain-broken' });
    await Promise.all([goodStream.durable(2), otherStream.durable(2)]);
    expect(await storedEntries(bad)).toEqual([]);
    expect(await storedEntries(good)).toHaveLength(2);
  });

  it('takes nothing more from a device that was revoked a moment ago', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    await admin.query(`UPDATE devices SET status = 'revoked' WHERE id = $1`, [device.id]);
    stream.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    expect(await stream.ended).toMatchObject({ code: 'device/revoked' });
    expect(await storedEntries(device)).toEqual([]);
  });
});

describe('a device that does not keep to the rules', () => {
  it('is ended when it sends more batches than it has credits for', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const lock = new pg.Client({ connectionString: installation.database.adminUrl });
    await lock.connect();
    // Nothing can be committed while this is held, so no credit comes back.
    await lock.query('BEGIN');
    await lock.query('SELECT 1 FROM device_chains WHERE device_id = $1 FOR UPDATE', [device.id]);
    for (let seq = 1; seq <= 20; seq++) {
      stream.send({ $case: 'events', value: device.batch(device.record(1), seq) });
    }
    expect(await stream.ended).toMatchObject({ code: 'link/protocol' });
    await lock.query('ROLLBACK');
    await lock.end();
  });
});

describe('while the database is away', () => {
  it('nothing is acknowledged, and everything is stored once when it is back', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const { name } = installation.database;
    await admin.query(`REVOKE CONNECT ON DATABASE ${name} FROM raypher_ingest`);
    const cut = () =>
      admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'raypher_ingest' AND datname = current_database()`,
      );
    await cut();
    const entries = device.record(6);
    for (let seq = 1; seq <= 6; seq += 2) {
      stream.send({ $case: 'events', value: device.batch(entries.slice(seq - 1, seq + 1), seq) });
    }
    const answered = stream.next('eventAck').then(() => 'acknowledged');
    const attempts = installation.link.get(LedgerRepository);
    await expect(attempts.head(device.id)).rejects.toThrow();
    await expect(Promise.race([answered, attempts.head(device.id).catch(() => 'away')])).resolves.toBe(
      'away',
    );
    await admin.query(`GRANT CONNECT ON DATABASE ${name} TO raypher_ingest`);
    await answered;
    await expect.poll(() => storedEntries(device)).toEqual(texts(entries));
  });

  it('a connection that dies in the middle of commits loses and doubles nothing', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const entries = device.record(400);
    let acknowledged = 0;
    let cuts = 0;
    const cutter = setInterval(() => {
      // On a busy machine a commit may take longer than the time between two cuts: then none would ever succeed.
      cuts += 1;
      if (cuts === 150) clearInterval(cutter);
      void admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE usename = 'raypher_ingest' AND datname = current_database() AND state <> 'idle'`,
      );
    }, 15);
    try {
      for (let seq = 1; seq <= 400; seq += 20) {
        stream.send({ $case: 'events', value: device.batch(entries.slice(seq - 1, seq + 19), seq) });
        while (acknowledged < seq - 60)
          acknowledged = Number((await stream.next('eventAck')).durableThroughSeq);
      }
      await stream.durable(400);
    } finally {
      clearInterval(cutter);
    }
    expect(await storedEntries(device)).toEqual(texts(entries));
  });
});
