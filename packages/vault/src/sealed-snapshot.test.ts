import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  checkForensicPublicKey,
  createForensicKey,
  describeSnapshot,
  ForensicKeyFile,
  openSnapshot,
  readForensicKey,
  sealSnapshot,
} from './index.ts';

const about = {
  panic: randomUUID(),
  organisation: randomUUID(),
  device: randomUUID(),
  at: '2026-11-20T10:00:00.000Z',
  recipient: 'organisation' as const,
};
const publicOf = ({ keyId, publicKey }: ForensicKeyFile) => ({ keyId, publicKey });

describe('a sealed snapshot', () => {
  test('opens with the key it was sealed to, and says without one only what everybody may know', async () => {
    const file = await createForensicKey('organisation');
    const content = randomBytes(100_000);
    const sealed = await sealSnapshot(publicOf(file), about, content);
    expect(Buffer.from(sealed).includes(content.subarray(100, 116))).toBe(false);
    expect(describeSnapshot(sealed)).toEqual({ about, keyId: file.keyId });
    const key = await readForensicKey(ForensicKeyFile.parse(JSON.parse(JSON.stringify(file))));
    const opened = await openSnapshot(key, sealed);
    expect(opened.about).toEqual(about);
    expect(Buffer.from(opened.content).equals(content)).toBe(true);
  });

  test('does not open with another key, not even one that claims the id', async () => {
    const [right, wrong] = [await createForensicKey('organisation'), await createForensicKey('machine')];
    const sealed = await sealSnapshot(publicOf(right), about, randomBytes(64));
    const other = await readForensicKey(wrong);
    await expect(openSnapshot(other, sealed)).rejects.toMatchObject({
      kind: 'other-key',
      keyId: right.keyId,
    });
    await expect(openSnapshot({ ...other, keyId: right.keyId }, sealed)).rejects.toMatchObject({
      kind: 'changed',
    });
  });

  test('does not open when its content, or what it says of itself, was changed', async () => {
    const file = await createForensicKey('organisation');
    const key = await readForensicKey(file);
    const sealed = await sealSnapshot(publicOf(file), about, randomBytes(64));
    const text = Buffer.from(sealed).toString('latin1');
    const forged = [
      text.replace(about.device, randomUUID()),
      text.replace('"recipient":"organisation"', '"recipient":"machine"'),
      text.slice(0, -1),
      `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) ^ 1)}`,
    ];
    for (const changed of forged) {
      await expect(openSnapshot(key, Buffer.from(changed, 'latin1'))).rejects.toMatchObject({
        kind: 'changed',
      });
    }
  });

  test.each(['', 'RAYPHER-SNAPSHOT/1\n', 'RAYPHER-SNAPSHOT/1\n{}\nabc', 'PK\u0003\u0004'])(
    'is not to be confused with something else (%j)',
    async (text) => {
      const key = await readForensicKey(await createForensicKey('machine'));
      await expect(openSnapshot(key, Buffer.from(text))).rejects.toMatchObject({ kind: 'damaged' });
    },
  );
});

describe('a forensic key', () => {
  test('whose halves do not belong together is refused', async () => {
    const [one, two] = [await createForensicKey('organisation'), await createForensicKey('organisation')];
    await expect(readForensicKey({ ...one, secret: two.secret })).rejects.toThrow('does not belong');
  });

  test('is a point of the curve under its own id', async () => {
    const { keyId, publicKey } = await createForensicKey('organisation');
    await checkForensicPublicKey({ keyId, publicKey });
    await expect(checkForensicPublicKey({ keyId: '0'.repeat(16), publicKey })).rejects.toThrow('another id');
    const off = Buffer.from(publicKey, 'base64url');
    off[64] = (off[64] ?? 0) ^ 1;
    await expect(checkForensicPublicKey({ keyId, publicKey: off.toString('base64url') })).rejects.toThrow();
  });
});
