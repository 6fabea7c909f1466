import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FileSealer } from '../identity/file-sealer.ts';
import type { Sealer } from '../identity/key-provider.ts';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import { Ledger, NOBODY } from '../ledger/ledger.ts';
import { openAgent } from '../service/open-agent.ts';
import { agentPaths } from '../service/paths.ts';
import { openDatabase } from './database.ts';
import { EntryCipher } from './entry-cipher.ts';
import { EventLog } from './event-log.ts';
import { openStoreKey } from './store-key.ts';

const scratch = (): string => mkdtempSync(join(tmpdir(), 'raypher-sealed-'));
const TYPED = ['what', 'somebody', 'typed'].join('-');
const draft = (target: string): EventDraft => ({
  type: 'network.request',
  severity: 'info',
  actor: EDGE_AGENT,
  action: 'call',
  target,
  data: {},
  private: { samples: [target] },
});

function isOnDisk(folder: string, text: string): boolean {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path) && statSync(path).isFile())
    .some((path) => readFileSync(path).includes(text));
}

test('what is sealed opens for its own row and kind alone, whatever it is', () => {
  const cipher = new EntryCipher(randomBytes(32));
  const hash = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), hash, hash, fc.nat(), (bytes, one, two, at) => {
      const sealed = cipher.seal('entry', one, bytes);
      expect(Buffer.from(cipher.open('entry', one, sealed))).toEqual(Buffer.from(bytes));
      expect(cipher.seal('entry', one, bytes)).not.toEqual(sealed);
      const corrupt = expect.objectContaining({ code: 'store/corrupt' });
      if (one !== two) expect(() => cipher.open('entry', two, sealed)).toThrow(corrupt);
      expect(() => cipher.open('private', one, sealed)).toThrow(corrupt);
      expect(() => new EntryCipher(randomBytes(32)).open('entry', one, sealed)).toThrow(corrupt);
      const changed = Uint8Array.from(sealed);
      const place = 1 + (at % (sealed.length - 1));
      changed[place] = (changed[place] ?? 0) ^ 1;
      expect(() => cipher.open('entry', one, changed)).toThrow(corrupt);
    }),
  );
});

test('nothing of an entry is on the disk, and it is read as it was recorded', async () => {
  const folder = scratch();
  const { db } = openDatabase(join(folder, 'agent.db'));
  const log = new EventLog(db, new EntryCipher(randomBytes(32)));
  await new Ledger(log, NOBODY).record(draft(TYPED));
  expect(isOnDisk(folder, TYPED)).toBe(false);
  const [stored] = log.from(1, 1);
  expect(Buffer.from(stored?.entry ?? []).toString()).toContain(TYPED);
  expect(Buffer.from(stored?.private ?? []).toString()).toContain(TYPED);
  db.close();
});

test('a store that had its entries in clear is encrypted at its next start, also what was set aside', async () => {
  const folder = scratch();
  const path = join(folder, 'agent.db');
  const before = openDatabase(path);
  const clear = new EventLog(before.db);
  const old = new Ledger(clear, NOBODY);
  await old.record(draft(`${TYPED}-before`));
  clear.startOver('an old device');
  const ledger = new Ledger(clear, NOBODY);
  for (let count = 0; count < 1_200; count += 1) ledger.note(draft(`${TYPED}-${count}`));
  ledger.flush();
  const recorded = clear.from(0, 5_000);
  before.db.close();
  expect(isOnDisk(folder, TYPED)).toBe(true);

  const { db } = openDatabase(path);
  const log = new EventLog(db, new EntryCipher(randomBytes(32)));
  expect(log.isReadable()).toBe(true);
  expect(log.sealAll()).toBe(1 + 2 * 1_200);
  expect(isOnDisk(folder, TYPED)).toBe(false);
  const text = (events: typeof recorded) =>
    events.flatMap(({ entry, private: part = [] }) =>
      [entry, part].map((bytes) => Buffer.from(bytes).toString()),
    );
  expect(text(log.from(0, 5_000))).toEqual(text(recorded));
  expect(new Ledger(log, NOBODY).check()).toBeUndefined();
  expect(log.sealAll()).toBe(0);
  db.close();
});

test('the key of a store opens again, is not in its file, and is replaced when it was sealed elsewhere', () => {
  const folder = scratch();
  const path = join(folder, 'store.json');
  const sealer = new FileSealer(join(folder, 'vault.key'));
  const sealed = openStoreKey(path, sealer).seal('entry', 'ab', Buffer.from('one'));
  expect(Buffer.from(openStoreKey(path, sealer).open('entry', 'ab', sealed)).toString()).toBe('one');
  expect(statSync(path).mode & 0o777).toBe(0o600);

  const other = openStoreKey(path, new FileSealer(join(folder, 'other.key')));
  expect(() => other.open('entry', 'ab', sealed)).toThrow();
  expect(readdirSync(folder).filter((name) => name.startsWith('store.json.set-aside-'))).toHaveLength(1);
  writeFileSync(path, 'no key');
  openStoreKey(path, sealer);
});

test('a TPM that does not answer loses no key', () => {
  const folder = scratch();
  const path = join(folder, 'store.json');
  const sealer = new FileSealer(join(folder, 'vault.key'));
  const sealed = openStoreKey(path, sealer).seal('entry', 'ab', Buffer.from('one'));
  const busy: Sealer = {
    bound: 'tpm',
    seal: (secret) => sealer.seal(secret),
    unseal: () => {
      throw new RaypherError('tpm/unavailable', 'The TPM does not answer.');
    },
  };
  expect(() => openStoreKey(path, busy)).toThrow('does not answer');
  expect(Buffer.from(openStoreKey(path, sealer).open('entry', 'ab', sealed)).toString()).toBe('one');
});

test('an agent whose store lost its key starts, says so, and keeps what it cannot read', async () => {
  const paths = agentPaths(scratch());
  const config = { identityKey: 'software', tpmTcti: undefined } as const;
  const first = await openAgent(paths, config);
  await first.ledger.record(draft(TYPED));
  first.buffered.close();
  first.db.close();
  rmSync(paths.storeKey);

  const { ledger, log, db, buffered } = await openAgent(paths, config);
  await ledger.settled();
  const [told] = log.from(1, 1);
  expect(Buffer.from(told?.entry ?? []).toString()).toContain('The key of the store is gone');
  expect(db.prepare('SELECT count(*) AS kept FROM events_before_enrolment').get()).toEqual({ kept: 1 });
  buffered.close();
  db.close();
});
