import { deriveVaultKey, openSecret, ROOT_BYTES, SealedSecret } from '@raypher/vault';
import { describe, expect, it } from 'vitest';
import { sealForDevice } from './seal-for-device.ts';

const vault = await deriveVaultKey(crypto.getRandomValues(new Uint8Array(ROOT_BYTES)));
const announced = { keyId: vault.keyId, publicKey: Buffer.from(vault.publicKey).toString('base64url') };
const binding = { name: 'openai', provider: 'openai' };
const key = ['sk', 'test', 'x'.repeat(40)].join('-');

describe('a key sealed in the browser', () => {
  it('is opened by the device it was sealed for, and does not show what it holds', async () => {
    const sealed = await sealForDevice(announced, binding, key);
    expect(sealed).not.toContain(key);
    const opened = await openSecret(vault, binding, SealedSecret.parse(JSON.parse(sealed)));
    expect(Buffer.from(opened).toString()).toBe(key);
  });

  it('is not opened for another provider', async () => {
    const sealed = SealedSecret.parse(JSON.parse(await sealForDevice(announced, binding, key)));
    await expect(openSecret(vault, { ...binding, provider: 'anthropic' }, sealed)).rejects.toThrow();
  });

  it('is not made for a key that is not the one its id says', async () => {
    const other = await deriveVaultKey(crypto.getRandomValues(new Uint8Array(ROOT_BYTES)));
    const swapped = { ...announced, publicKey: Buffer.from(other.publicKey).toString('base64url') };
    await expect(sealForDevice(swapped, binding, key)).rejects.toThrow(/id it claims/);
  });
});
