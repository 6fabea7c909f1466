import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { deriveVaultKey, openSecret, type SealedSecret, sealSecret } from '@raypher/vault';
import { beforeEach, describe, expect, test } from 'vitest';
import { FileSealer } from '../identity/file-sealer.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { openDatabase } from '../store/database.ts';
import { Secrets } from '../store/secrets.ts';
import { Vault } from './vault.ts';

const by = { kind: 'user', id: 'ada', name: 'ada' } as const;
const binding = { name: 'prod', provider: 'openai' };
/** Put together here so that it is no key anywhere. */
const value = ['sk', 'proj', 'x'.repeat(30)].join('-');

let folder: string;
let events: EventDraft[];
let secrets: Secrets;
let changes: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'raypher-vault-'));
  events = [];
  changes = 0;
  secrets = new Secrets(openDatabase(join(folder, 'agent.db')).db);
});

function open(sealerKey = join(folder, 'sealer.key'), pcrs: number[] = []): Promise<Vault> {
  return Vault.open({
    path: join(folder, 'vault', 'root.json'),
    sealer: new FileSealer(sealerKey),
    secrets,
    pcrs,
    record: (event) => events.push(event),
    commit: async (event) => events.push(event),
    keyChanged: () => changes++,
  });
}

async function sealFor(vault: Vault, to = binding, plain = value): Promise<SealedSecret> {
  const { publicKey } = await vault.describe();
  return sealSecret(Buffer.from(publicKey, 'base64url'), to, Buffer.from(plain));
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof RaypherError)) throw new Error(`no error of ours: ${String(error)}`);
  expect(`${error.message} ${error.hint}`).not.toContain(value);
  return error.code;
}

test('a sealed key comes back after a restart, and no file holds it or the root', async () => {
  const first = await open();
  await first.seal(binding, await sealFor(first), by);
  first.close();
  const again = await open();
  expect(await again.named('openai')).toEqual(['prod']);
  const taken = Buffer.from(await again.take(binding));
  expect(taken.equals(Buffer.from(value))).toBe(true);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(db|db-wal|json)$/.test(name)) continue;
    expect(readFileSync(join(folder, name)).includes(value.slice(8)), name).toBe(false);
  }
  expect(JSON.stringify(events)).not.toContain(value);
});

test('whoever unseals gets it encrypted to a key of his own, and it is recorded', async () => {
  const vault = await open();
  await vault.seal(binding, await sealFor(vault), by);
  const mine = await deriveVaultKey(Buffer.alloc(32, 3));
  const { provider, sealed } = await vault.unseal('prod', mine.publicKey, by);
  const opened = await openSecret(mine, { name: 'prod', provider }, sealed);
  expect(Buffer.from(opened).toString()).toBe(value);
  expect(events.at(-1)).toMatchObject({ type: 'vault.unsealed', severity: 'warning', target: 'prod' });
});

test('rotating replaces the value and counts the version', async () => {
  const vault = await open();
  await vault.seal(binding, await sealFor(vault), by);
  expect(await vault.rotate('prod', await sealFor(vault, binding, 'other'), by)).toMatchObject({
    version: 2,
  });
  expect(Buffer.from(await vault.take(binding)).toString()).toBe('other');
});

describe('refused is', () => {
  test('a name that is taken, one that is not there, and one of another provider', async () => {
    const vault = await open();
    await vault.seal(binding, await sealFor(vault), by);
    expect(await codeOf(vault.seal(binding, await sealFor(vault), by))).toBe('vault/exists');
    expect(await codeOf(vault.revoke('nobody', by))).toBe('vault/not-found');
    expect(await codeOf(vault.take({ name: 'prod', provider: 'anthropic' }))).toBe('vault/not-found');
    await vault.revoke('prod', by);
    expect(await codeOf(vault.take(binding))).toBe('vault/not-found');
  });

  test('a value sealed for another name or provider, or to another key', async () => {
    const vault = await open();
    const elsewhere = await sealFor(vault, { name: 'prod', provider: 'anthropic' });
    expect(await codeOf(vault.seal(binding, elsewhere, by))).toBe('vault/damaged');
    const stranger = await deriveVaultKey(Buffer.alloc(32, 9));
    const foreign = await sealSecret(stranger.publicKey, binding, Buffer.from(value));
    expect(await codeOf(vault.seal(binding, foreign, by))).toBe('vault/sealed-elsewhere');
    expect(await vault.named('openai')).toEqual([]);
  });

  test('a value that would end a header', async () => {
    const vault = await open();
    for (const bad of [`${value}\r\nx-evil: 1`, `${value} `, 'schlüssel', `${value}\0`]) {
      expect(await codeOf(vault.seal(binding, await sealFor(vault, binding, bad), by))).toBe(
        'request/invalid',
      );
    }
  });
});

test('a row moved under the name of another provider does not open', async () => {
  const vault = await open();
  const sealed = await sealFor(vault);
  await vault.seal(binding, sealed, by);
  secrets.add({ name: 'moved', provider: 'anthropic' }, sealed);
  expect(await codeOf(vault.take({ name: 'moved', provider: 'anthropic' }))).toBe('vault/damaged');
});

test('a copied vault does not open under another identity, says so, and resetting loses nothing', async () => {
  const vault = await open();
  await vault.seal(binding, await sealFor(vault), by);
  const copy = await open(join(folder, 'another-sealer.key'));
  expect(copy.fault?.code).toBe('vault/sealed-elsewhere');
  expect(copy.publicKey).toBeUndefined();
  expect(events.at(-1)).toMatchObject({ type: 'vault.refused', severity: 'critical' });
  expect(await codeOf(copy.take(binding))).toBe('vault/sealed-elsewhere');

  const { keyId, setAside } = await copy.reset(by);
  expect(changes).toBe(1);
  expect(await copy.describe()).toMatchObject({ keyId, secrets: [], setAside: 1 });
  // Moved back under the identity it belongs to, it is all there again.
  writeFileSync(join(folder, 'vault', 'root.json'), readFileSync(setAside ?? ''));
  const back = await open();
  expect(Buffer.from(await back.take(binding)).toString()).toBe(value);
});

test('a damaged root file is damage and not a new vault', async () => {
  await open();
  writeFileSync(join(folder, 'vault', 'root.json'), '{}');
  const vault = await open();
  expect(vault.fault?.code).toBe('vault/damaged');
  expect(readFileSync(join(folder, 'vault', 'root.json'), 'utf8')).toBe('{}');
});

test('a key id that is not that of the root is damage', async () => {
  await open();
  const path = join(folder, 'vault', 'root.json');
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(/"keyId":"[0-9a-f]{16}"/, `"keyId":"${'0'.repeat(16)}"`),
  );
  expect((await open()).fault?.code).toBe('vault/damaged');
});
