import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { EMPTY_CHAIN, extendChain, GENESIS_HASH, sha256Hex } from '@raypher/ledger';
import { expect, test } from 'vitest';
import { openDatabase } from '../store/database.ts';
import { EntryCipher } from '../store/entry-cipher.ts';
import { EventLog } from '../store/event-log.ts';
import { EDGE_AGENT, type EventDraft } from './event-draft.ts';
import { Ledger, NOBODY, readEntry } from './ledger.ts';

const draft = (target: string, data: EventDraft['data'] = {}): EventDraft => ({
  type: 'network.request',
  severity: 'info',
  actor: EDGE_AGENT,
  action: 'call',
  target,
  data,
});

const CIPHER = new EntryCipher(Buffer.alloc(32, 7));

function open(
  path = join(mkdtempSync(join(tmpdir(), 'raypher-ledger-')), 'agent.db'),
  { cipher = CIPHER, clear = false } = {},
) {
  const { db } = openDatabase(path);
  const log = new EventLog(db, clear ? undefined : cipher);
  return { path, db, log, ledger: new Ledger(log, NOBODY) };
}

test('entries are numbered from one, linked, and readable as they were recorded', async () => {
  const { log, ledger } = open();
  const heads = await Promise.all(['a', 'b', 'c'].map((target) => ledger.record(draft(target))));
  const stored = log.from(1, 10);
  expect(heads.map((head) => head.seq)).toEqual([1, 2, 3]);
  expect(readEntry(stored[0]?.entry ?? new Uint8Array()).prev).toBe(GENESIS_HASH);
  const walked = extendChain(
    EMPTY_CHAIN,
    stored.map((event) => event.entry),
    readEntry,
  );
  expect(walked).toMatchObject({ head: ledger.head });
  expect(ledger.check()).toBeUndefined();
});

test('an event that somebody made too large is recorded in short', async () => {
  const { log, ledger } = open();
  const long = Array<string>(32).fill('\u0001'.repeat(512));
  await ledger.record(draft('bot', { agent: 'ab', pids: ['7'], libraries: long, evidence: long }));
  const entry = readEntry(log.from(1, 1)[0]?.entry ?? new Uint8Array());
  expect(entry).toMatchObject({ target: 'bot', data: { agent: 'ab', pids: ['7'], shortened: true } });
});

test('the chain goes on after a restart', async () => {
  const first = open();
  const { hash } = await first.ledger.record(draft('before'));
  first.db.close();
  const { log, ledger } = open(first.path);
  await ledger.record(draft('after'));
  expect(readEntry(log.from(2, 1)[0]?.entry ?? new Uint8Array()).prev).toBe(hash);
});

test('a changed entry is noticed at start', async () => {
  const { db, log, path, ledger } = open();
  await ledger.record(draft('first'));
  await ledger.record(draft('second'));
  const { entry, hash } = log.from(1, 1)[0] ?? { entry: new Uint8Array(), hash: '' };
  const forged = Buffer.from(Buffer.from(entry).toString().replace('first', 'other'));
  // By somebody who has the key of the store, too.
  for (const bytes of [forged, CIPHER.seal('entry', hash, forged)]) {
    db.prepare('UPDATE events SET entry = ? WHERE seq = 1').run(bytes);
    expect(open(path).ledger.check()).toMatch(/not-linked/);
  }
  db.prepare('UPDATE events SET entry = ? WHERE seq = 1').run(Buffer.of(1, 2, 3));
  expect(open(path).ledger.check()).toBe('entry 1 cannot be read');
  db.close();
});

test('a cut tail is noticed at start', async () => {
  const { db, path, ledger } = open();
  await ledger.record(draft('first'));
  await ledger.record(draft('second'));
  db.exec('DELETE FROM events WHERE seq = 2');
  db.close();
  expect(open(path).ledger.check()).toMatch(/newest entry is 1, the recorded head is 2/);
});

test('text of any length and half surrogate pairs can be recorded', async () => {
  const { log, ledger } = open();
  await ledger.record(
    draft('x'.repeat(10_000), { note: 'half \ud800', list: Array(500).fill('y'.repeat(3000)) }),
  );
  const entry = readEntry(log.from(1, 1)[0]?.entry ?? new Uint8Array());
  expect(entry.target).toHaveLength(2048);
  expect(entry.data.note).toBe('half \ufffd');
});

test('a full disk loses no order: the gap is recorded when there is room again', async () => {
  const { db, log, ledger } = open();
  await ledger.record(draft('before'));
  const pages = Number(db.prepare('PRAGMA page_count').get()?.page_count);
  db.exec(`PRAGMA max_page_count = ${pages}`);
  const results = await Promise.allSettled(
    Array.from({ length: 300 }, () => ledger.record(draft('lost', { filler: 'z'.repeat(4000) }))),
  );
  expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: 'store/full' } });
  expect(ledger.missing).toBe(300);

  db.exec('PRAGMA max_page_count = 1000000');
  await ledger.record(draft('after'));
  const entries = log.from(1, 10).map((event) => readEntry(event.entry));
  expect(entries.map((entry) => entry.type)).toEqual(['network.request', 'ledger.gap', 'network.request']);
  expect(entries[1]?.data).toMatchObject({ count: 300, reason: 'store/full' });
  expect(ledger.check()).toBeUndefined();
});

test('only what is durable and old is forgotten', async () => {
  const { log, ledger } = open();
  for (const target of ['a', 'b', 'c']) await ledger.record(draft(target));
  log.markDurable(2);
  expect(log.prune(Date.now() + 1)).toBe(2);
  expect(log.from(0, 10).map((event) => event.seq)).toEqual([3]);
  expect(ledger.check()).toBeUndefined();
});

test('a ledger that replaced a damaged one joins the chain the control plane holds', async () => {
  const { log, ledger } = open();
  await ledger.record(draft('one'));
  await ledger.record(draft('two'));
  const base = { seq: 40, hash: 'ab'.repeat(32) };
  ledger.continueFrom(base);
  await ledger.record(draft('three'));
  const stored = log.from(0, 10);
  expect(stored.map((event) => event.seq)).toEqual([41, 42, 43]);
  expect(
    extendChain(
      base,
      stored.map((event) => event.entry),
      readEntry,
    ),
  ).toMatchObject({ head: ledger.head });
});

const found = (samples: readonly string[]): EventDraft => ({
  ...draft('api.example.com'),
  private: { samples },
});
const storedPrivate = (log: EventLog) =>
  log.from(1, 100).map((event) => (event.private === undefined ? undefined : Buffer.from(event.private)));

test('a private part is kept beside the entry, which holds the hash of exactly its bytes', async () => {
  const { log, ledger } = open();
  await ledger.record(draft('plain'));
  await ledger.record(found(['sk-p…half \ud800']));
  const [plain, event] = log.from(1, 10);
  const entry = readEntry(event?.entry ?? new Uint8Array());
  expect(entry.private).toBe(sha256Hex(event?.private ?? new Uint8Array()));
  expect(Buffer.from(event?.entry ?? []).toString()).not.toContain('sk-p');
  const { salt, ...data } = JSON.parse(Buffer.from(event?.private ?? []).toString());
  expect(data).toEqual({ samples: ['sk-p…half \ufffd'] });
  expect(Buffer.from(salt, 'base64url')).toHaveLength(32);
  expect(plain?.private).toBeUndefined();
  expect(readEntry(plain?.entry ?? new Uint8Array())).not.toHaveProperty('private');
});

test('the same data has another commitment each time', async () => {
  const { log, ledger } = open();
  await Promise.all([ledger.record(found(['a'])), ledger.record(found(['a']))]);
  const [first, second] = log.from(1, 2).map(({ entry }) => readEntry(entry).private);
  expect(first).not.toBe(second);
});

test('a private part that is too large is left out, and the entry says so', async () => {
  const { log, ledger } = open();
  await ledger.record(found(['x'.repeat(17 * 1024)]));
  const [event] = log.from(1, 1);
  expect(event?.private).toBeUndefined();
  const entry = readEntry(event?.entry ?? new Uint8Array());
  expect(entry.data).toEqual({ privateLeftOut: true });
  expect(entry.private).toBeUndefined();
});

test('erased parts leave the chain as it was, and nothing of them in the files', async () => {
  // In clear, so that they can be seen to go.
  const { path, log, ledger } = open(undefined, { clear: true });
  const sample = ['tell', 'tale', 'sample'].join('-');
  const began = Date.now();
  await ledger.record(found([sample]));
  await ledger.record(draft('after'));
  const onDisk = () =>
    [path, `${path}-wal`]
      .filter((file) => existsSync(file))
      .some((file) => readFileSync(file).includes(sample));
  expect(onDisk()).toBe(true);
  expect(log.erasePrivate(began - 1000)).toBe(0);
  expect(log.erasePrivate(Date.now() + 1000)).toBe(1);
  expect(onDisk()).toBe(false);
  expect(storedPrivate(log)).toEqual([undefined, undefined]);
  expect(readEntry(log.from(1, 1)[0]?.entry ?? new Uint8Array()).private).toMatch(/^[0-9a-f]{64}$/);
  expect(ledger.check()).toBeUndefined();
});

test('private parts go with their entries, and move with them into another chain', async () => {
  const { db, log, ledger } = open();
  await ledger.record(found(['one']));
  await ledger.record(found(['two']));
  log.markDurable(1);
  log.prune(Date.now() + 1);
  expect(db.prepare('SELECT seq FROM event_private').all()).toEqual([{ seq: 2 }]);
  ledger.continueFrom({ seq: 40, hash: 'ab'.repeat(32) });
  const [moved] = log.from(0, 10);
  expect(moved?.seq).toBe(41);
  expect(readEntry(moved?.entry ?? new Uint8Array()).private).toBe(
    sha256Hex(moved?.private ?? new Uint8Array()),
  );
  log.startOver('old device');
  expect(db.prepare('SELECT count(*) AS n FROM event_private').get()).toEqual({ n: 0 });
});

test('after kill -9 in the middle of writes everything acknowledged is there and the chain verifies', async () => {
  const { path, db } = open();
  db.close();
  const child = spawn(
    process.execPath,
    [new URL('./write-until-killed.ts', import.meta.url).pathname, path],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === 200) child.kill('SIGKILL');
  }
  if (child.signalCode === null) await once(child, 'exit');

  const { log, ledger } = open(path);
  expect(acknowledged.length).toBeGreaterThanOrEqual(200);
  const onDisk = new Set(log.from(0, 100_000).map(({ seq, hash }) => `${seq} ${hash}`));
  expect(acknowledged.filter((line) => !onDisk.has(line))).toEqual([]);
  expect(ledger.check()).toBeUndefined();
});
