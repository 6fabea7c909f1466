import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { filesOf } from '../testing/files-of.ts';
import { startTestVault } from '../testing/test-vault.ts';
import type { Vault } from '../vault/vault.ts';
import { type KeyVault, openAuthority } from './authority-store.ts';

let vault: Vault;
let path: string;
beforeEach(async () => {
  vault = await startTestVault();
  path = join(mkdtempSync(join(tmpdir(), 'raypher-authority-')), 'interception', 'root.json');
});

/** The vault, and what went into it. */
function listening(): { vault: KeyVault; values: Buffer[] } {
  const values: Buffer[] = [];
  const protect: KeyVault['protect'] = (binding, value) => {
    values.push(Buffer.from(value));
    return vault.protect(binding, value);
  };
  return { vault: { protect, expose: (binding, sealed) => vault.expose(binding, sealed) }, values };
}

test('the same root is opened again', async () => {
  const first = await openAuthority(path, vault, 'machine');
  const again = await openAuthority(path, vault, 'machine');
  expect([first.made, again.made]).toEqual(['first', undefined]);
  expect(again.authority.certificate).toBe(first.authority.certificate);
});

test('the key is in no file in any form that is not sealed, and only the owner reads the folder', async () => {
  const { vault: heard, values } = listening();
  await openAuthority(path, heard, 'machine');
  const [key] = values;
  // PKCS#8 of P-256 ends with the public point; the 32 bytes of the private scalar stand behind `04 20`.
  const scalar = key?.subarray(key.indexOf(Buffer.of(0x04, 0x20)) + 2).subarray(0, 32) ?? Buffer.alloc(0);
  expect(scalar).toHaveLength(32);
  for (const text of filesOf(dirname(path))) {
    expect(text).not.toContain(scalar.toString('latin1'));
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      // From the third byte on, base64 of a part of something longer could begin at any of three places.
      for (const at of [0, 1, 2]) {
        const written = scalar.subarray(at, at + 27).toString(form);
        expect(text).not.toContain(written);
      }
    }
    expect(text).not.toContain('PRIVATE KEY');
  }
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
});

test('after the vault was reset there is another root, and the old one is set aside', async () => {
  const first = await openAuthority(path, vault, 'machine');
  await vault.reset({ kind: 'user', id: 'ada', name: 'ada' });
  const second = await openAuthority(path, vault, 'machine');
  expect(second.made).toBe('unreadable');
  expect(second.authority.fingerprint).not.toBe(first.authority.fingerprint);
  expect(readdirSync(dirname(path)).some((name) => name.startsWith('root.json.set-aside-'))).toBe(true);
});

test.each([
  ['cut short', (text: string) => text.slice(0, 100)],
  [
    'with the certificate of another',
    (text: string, other: string) =>
      JSON.stringify({ ...JSON.parse(text), certificate: JSON.parse(other).certificate }),
  ],
])('a file %s gives a new root, not a broken one', async (_what, damage) => {
  const other = join(mkdtempSync(join(tmpdir(), 'raypher-authority-')), 'root.json');
  await openAuthority(other, vault, 'other');
  await openAuthority(path, vault, 'machine');
  writeFileSync(path, damage(readFileSync(path, 'utf8'), readFileSync(other, 'utf8')));
  expect((await openAuthority(path, vault, 'machine')).made).toBe('unreadable');
  expect((await openAuthority(path, vault, 'machine')).made).toBeUndefined();
});

test('a vault that cannot be opened now does not cost the root', async () => {
  const { authority } = await openAuthority(path, vault, 'machine');
  const locked: KeyVault = {
    protect: () => Promise.reject(new Error('locked')),
    expose: () => Promise.reject(new Error('locked')),
  };
  await expect(openAuthority(path, locked, 'machine')).rejects.toThrow('locked');
  expect((await openAuthority(path, vault, 'machine')).authority.certificate).toBe(authority.certificate);
});
