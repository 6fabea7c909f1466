import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  deriveVaultKey,
  MAX_VALUE_BYTES,
  openSecret,
  SealedSecret,
  sealSecret,
  vaultKeyId,
} from './index.ts';

const binding = { name: 'openai-prod', provider: 'openai' };
const value = randomBytes(40);

describe('a sealed value', () => {
  test('opens with the root it was sealed for, after a trip as JSON', async () => {
    const root = randomBytes(32);
    const { publicKey } = await deriveVaultKey(root);
    const sent = JSON.stringify(await sealSecret(publicKey, binding, value));
    expect(sent).not.toContain(value.toString('base64url').slice(0, 16));
    const opened = await openSecret(
      await deriveVaultKey(root),
      binding,
      SealedSecret.parse(JSON.parse(sent)),
    );
    expect(Buffer.from(opened)).toEqual(value);
  });

  test('is another one each time', async () => {
    const { publicKey } = await deriveVaultKey(randomBytes(32));
    const [one, two] = [
      await sealSecret(publicKey, binding, value),
      await sealSecret(publicKey, binding, value),
    ];
    expect(one.enc).not.toBe(two.enc);
    expect(one.ciphertext).not.toBe(two.ciphertext);
  });

  test.each([
    ['another name', { name: 'openai-test', provider: 'openai' }],
    ['another provider', { name: 'openai-prod', provider: 'anthropic' }],
    ['a use where it had none', { ...binding, use: { hosts: ['a.example'] } }],
    ['a name that runs into the provider', { name: 'openai-prod","provider":"openai', provider: '' }],
  ])('does not open under %s', async (_, other) => {
    const key = await deriveVaultKey(randomBytes(32));
    const sealed = await sealSecret(key.publicKey, binding, value);
    await expect(openSecret(key, other, sealed)).rejects.toThrow();
  });

  test('does not open for another use, and does however the use is written', async () => {
    const key = await deriveVaultKey(randomBytes(32));
    const use = { hosts: ['api.example'], in: [{ header: 'authorization', scheme: 'Bearer' }], maxUses: 3 };
    const sealed = await sealSecret(key.publicKey, { ...binding, use }, value);
    const wider = [
      undefined,
      {},
      { ...use, hosts: ['api.example', 'evil.example'] },
      { ...use, maxUses: 4 },
      { hosts: use.hosts, in: use.in },
    ];
    for (const other of wider) {
      await expect(openSecret(key, { ...binding, use: other }, sealed)).rejects.toThrow();
    }
    const same = { maxUses: 3, in: [{ scheme: 'Bearer', header: 'authorization' }], hosts: ['api.example'] };
    expect(Buffer.from(await openSecret(key, { ...binding, use: same }, sealed))).toEqual(value);
  });

  test('does not open with another root', async () => {
    const { publicKey } = await deriveVaultKey(randomBytes(32));
    const other = await deriveVaultKey(randomBytes(32));
    const sealed = await sealSecret(publicKey, binding, value);
    await expect(openSecret(other, binding, sealed)).rejects.toThrow('another vault key');
    await expect(openSecret(other, binding, { ...sealed, keyId: other.keyId })).rejects.toThrow();
  });

  test('does not open when any one of its bits was turned', async () => {
    const key = await deriveVaultKey(randomBytes(32));
    const sealed = await sealSecret(key.publicKey, binding, randomBytes(2));
    for (const part of ['enc', 'ciphertext'] as const) {
      const bytes = Buffer.from(sealed[part], 'base64url');
      for (let bit = 0; bit < bytes.length * 8; bit += 5) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const forged = { ...sealed, [part]: changed.toString('base64url') };
        await expect(openSecret(key, binding, forged)).rejects.toThrow();
      }
    }
  });

  test('has between one byte and the limit', async () => {
    const key = await deriveVaultKey(randomBytes(32));
    for (const length of [0, MAX_VALUE_BYTES + 1]) {
      await expect(sealSecret(key.publicKey, binding, new Uint8Array(length))).rejects.toThrow(RangeError);
    }
    const longest = randomBytes(MAX_VALUE_BYTES);
    const sealed = SealedSecret.parse(await sealSecret(key.publicKey, binding, longest));
    expect(Buffer.from(await openSecret(key, binding, sealed))).toEqual(longest);
  });
});

describe('a vault key', () => {
  test('is the same for the same root', async () => {
    const root = randomBytes(32);
    const [one, two] = [await deriveVaultKey(root), await deriveVaultKey(root)];
    expect(one.keyId).toBe(two.keyId);
    expect(one.publicKey).toEqual(two.publicKey);
    expect(await vaultKeyId(one.publicKey)).toBe(one.keyId);
  });

  // RFC 9180 Appendix A.3.1 derives pkRm from ikmR for the same KEM.
  test('is derived as RFC 9180 says', async () => {
    const { publicKey } = await deriveVaultKey(
      Buffer.from('668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550', 'hex'),
    );
    expect(Buffer.from(publicKey).toString('hex')).toBe(
      '04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0',
    );
  });

  test('that is no point of the curve is refused', async () => {
    const { publicKey } = await deriveVaultKey(randomBytes(32));
    const off = Uint8Array.from(publicKey);
    off[64] = (off[64] ?? 0) ^ 1;
    for (const bad of [off, publicKey.subarray(1), new Uint8Array(65)]) {
      await expect(sealSecret(bad, binding, value)).rejects.toThrow();
    }
  });

  test('is made of 32 bytes', async () => {
    await expect(deriveVaultKey(randomBytes(31))).rejects.toThrow(RangeError);
  });
});
