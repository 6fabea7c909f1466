import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { ANY_API, SecretUse } from '@raypher/shared/rest';
import { sealSecret } from '@raypher/vault';
import { beforeEach, describe, expect, test } from 'vitest';
import { FileSealer } from '../identity/file-sealer.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { openDatabase } from '../store/database.ts';
import { Secrets } from '../store/secrets.ts';
import { Vault } from './vault.ts';
import { requirePurpose } from './vault-requests.ts';

const by = { kind: 'user', id: 'ada', name: 'ada' } as const;
/** Put together here so that it is no key anywhere. */
const value = ['ghp', 'x'.repeat(30)].join('_');
const use: SecretUse = {
  hosts: ['api.github.example'],
  methods: ['GET'],
  paths: ['/repos/**'],
  in: [{ header: 'authorization', scheme: 'Bearer' }],
  maxUses: 2,
  expires: '2030-01-01T00:00:00Z',
};

let folder: string;
let db: DatabaseSync;
let events: EventDraft[];
let vault: Vault;

function open(): Promise<Vault> {
  return Vault.open({
    path: join(folder, 'vault', 'root.json'),
    sealer: new FileSealer(join(folder, 'sealer.key')),
    secrets: new Secrets(db),
    pcrs: [],
    record: (event) => events.push(event),
    commit: async (event) => events.push(event),
  });
}

async function sealAs(name: string, of: SecretUse, plain = value) {
  const { publicKey } = await vault.describe();
  const binding = { name, provider: ANY_API, use: of };
  return {
    binding,
    sealed: await sealSecret(Buffer.from(publicKey, 'base64url'), binding, Buffer.from(plain)),
  };
}

async function seal(name: string, of: SecretUse = use): Promise<void> {
  const { binding, sealed } = await sealAs(name, of);
  await vault.seal(binding, sealed, by);
}

async function take(from: Vault, name = 'github') {
  const stored = await from.useOf(name);
  if (stored === undefined) throw new Error('no use is stored');
  const { value: taken, uses } = await from.takeForUse(name, stored);
  return { text: Buffer.from(taken).toString(), uses };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'raypher-vault-'));
  events = [];
  db = openDatabase(join(folder, 'agent.db')).db;
  vault = await open();
});

test('uses are counted before the value is given, and a restart does not forget them', async () => {
  await seal('github');
  expect(await take(vault)).toEqual({ text: value, uses: 1 });
  // Nothing was closed: the process was killed.
  db = openDatabase(join(folder, 'agent.db')).db;
  const again = await open();
  expect(await take(again)).toEqual({ text: value, uses: 2 });
  await expect(take(again)).rejects.toMatchObject({ code: 'vault/used-up' });
  // Somebody else's copy of the vault, open all the time, has none left either.
  await expect(take(vault)).rejects.toMatchObject({ code: 'vault/used-up' });
  expect((await vault.describe()).secrets[0]).toMatchObject({ uses: 2, use });
  expect(JSON.stringify(events)).not.toContain(value);
});

test('uses without a limit are counted too, and shown', async () => {
  const { maxUses: _, ...unlimited } = use;
  await seal('github', unlimited);
  for (const uses of [1, 2, 3]) expect(await take(vault)).toEqual({ text: value, uses });
  expect((await vault.describe()).secrets[0]?.uses).toBe(3);
  vault.close();
  expect((await (await open()).describe()).secrets[0]?.uses).toBe(3);
});

describe('a row that somebody changed in the database gives out nothing', () => {
  test.each<[string, (stored: SecretUse) => object]>([
    ['with another host', (stored) => ({ ...stored, hosts: ['evil.example'] })],
    ['with one host more', (stored) => ({ ...stored, hosts: [...stored.hosts, 'evil.example'] })],
    ['with any method', ({ methods: _, ...rest }) => rest],
    ['with any path', ({ paths: _, ...rest }) => rest],
    ['with another place', (stored) => ({ ...stored, in: [{ header: 'x-copy' }] })],
    ['with more uses', (stored) => ({ ...stored, maxUses: 1000 })],
    ['with no limit of uses', ({ maxUses: _, ...rest }) => rest],
    ['with a later end', (stored) => ({ ...stored, expires: '2040-01-01T00:00:00Z' })],
  ])('%s', async (_, change) => {
    await seal('github');
    db.prepare('UPDATE secrets SET use = ?').run(JSON.stringify(change(use)));
    await expect(take(vault)).rejects.toMatchObject({ code: 'vault/damaged' });
    expect((await vault.describe()).secrets[0]?.uses).toBe(0);
  });

  test('without a use, or with one that is none', async () => {
    await seal('github');
    for (const bad of [null, '{}', 'no json', '{"hosts":["*"],"in":[{"header":"x"}]}']) {
      db.prepare('UPDATE secrets SET use = ?').run(bad);
      expect(await vault.useOf('github')).toBeUndefined();
    }
    db.prepare(`UPDATE secrets SET use = NULL, provider = 'openai'`).run();
    expect(await vault.named('openai')).toEqual(['github']);
    await expect(vault.take({ name: 'github', provider: 'openai' })).rejects.toMatchObject({
      code: 'vault/damaged',
    });
  });

  test('or the value of a provider under a use of its own', async () => {
    const { publicKey } = await vault.describe();
    const provider = { name: 'prod', provider: 'openai' };
    const sealed = await sealSecret(Buffer.from(publicKey, 'base64url'), provider, Buffer.from(value));
    await vault.seal(provider, sealed, by);
    db.prepare(`UPDATE secrets SET provider = 'api', use = ?`).run(JSON.stringify(use));
    await expect(take(vault, 'prod')).rejects.toMatchObject({ code: 'vault/damaged' });
  });
});

test('what is sealed for one use is not stored for another, nor without one', async () => {
  const { binding, sealed } = await sealAs('github', use);
  const wider = { ...use, hosts: ['*.github.example'] };
  await expect(vault.seal({ ...binding, use: wider }, sealed, by)).rejects.toMatchObject({
    code: 'vault/damaged',
  });
  await expect(vault.seal({ ...binding, use: undefined }, sealed, by)).rejects.toMatchObject({
    code: 'vault/damaged',
  });
  expect(() => requirePurpose(ANY_API, undefined)).toThrow();
  expect(() => requirePurpose('openai', use)).toThrow();
  expect(() => requirePurpose('nobody', undefined)).toThrow();
});

test('a value that is too short to be kept out of answers is not sealed', async () => {
  const { binding, sealed } = await sealAs('github', use, 'x'.repeat(7));
  await expect(vault.seal(binding, sealed, by)).rejects.toMatchObject({ code: 'request/invalid' });
});

test('a new value is counted anew, and may be for another use', async () => {
  await seal('github');
  await take(vault);
  const other = { ...use, hosts: ['git.example'] };
  const { sealed } = await sealAs('github', other);
  await expect(vault.rotate('github', sealed, by)).rejects.toMatchObject({ code: 'vault/damaged' });
  await vault.rotate('github', sealed, by, other);
  expect(await vault.useOf('github')).toEqual(other);
  expect((await take(vault)).uses).toBe(1);
});

test('names are known at once when they change', async () => {
  expect(vault.namesOfUses()).toEqual([]);
  await seal('github');
  expect(vault.namesOfUses()).toEqual(['github']);
  expect(vault.namesOfUses()).toBe(vault.namesOfUses());
  await vault.revoke('github', by);
  expect(vault.namesOfUses()).toEqual([]);
  await expect(vault.takeForUse('github', use)).rejects.toMatchObject({ code: 'vault/not-found' });
});

test.each<[string, object]>([
  ['any host', { hosts: ['*'], in: use.in }],
  ['a whole top-level domain', { hosts: ['*.com'], in: use.in }],
  ['a star inside', { hosts: ['api.*.example'], in: use.in }],
  ['a URL', { hosts: ['https://api.example'], in: use.in }],
  ['no place', { hosts: use.hosts, in: [] }],
  ['the host header', { hosts: use.hosts, in: [{ header: 'host' }] }],
  ['a header that frames the message', { hosts: use.hosts, in: [{ header: 'content-length' }] }],
  ['a header with a line in it', { hosts: use.hosts, in: [{ header: 'x-a\r\nx-b' }] }],
  ['a scheme with a line in it', { hosts: use.hosts, in: [{ header: 'x-a', scheme: 'Bearer\r\nx:' }] }],
  ['two places in one', { hosts: use.hosts, in: [{ header: 'x-a', query: 'b' }] }],
  ['the whole document', { hosts: use.hosts, in: [{ json: '' }] }],
  ['a path with a way up', { ...use, paths: ['/repos/../**'] }],
  ['TRACE', { ...use, methods: ['TRACE'] }],
  ['no uses at all', { ...use, maxUses: 0 }],
  ['a field that nobody knows', { ...use, alsoFor: ['evil.example'] }],
])('%s is no use', (_, written) => {
  expect(SecretUse.safeParse(written).success).toBe(false);
  expect(SecretUse.safeParse(use).success).toBe(true);
});
