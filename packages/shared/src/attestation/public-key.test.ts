import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeCredential } from './make-credential.ts';
import { keyName, parsePublicKey } from './public-key.ts';
import { sized, uint16, uint32 } from './wire.ts';

/** An ECC signing key as a TPM describes it. */
function eccArea({ x, y, curve = 3, nameAlgorithm = 0x0b }: EccParts): Buffer {
  const head = [uint16(0x23), uint16(nameAlgorithm), uint32(0x50072), sized(Buffer.alloc(0)), uint16(0x10)];
  return Buffer.concat([
    ...head,
    ...[uint16(0x18), uint16(0x0b), uint16(curve), uint16(0x10)],
    ...[sized(x), sized(y)],
  ]);
}

interface EccParts {
  x: Buffer;
  y: Buffer;
  curve?: number;
  nameAlgorithm?: number;
}

function point(): { x: Buffer; y: Buffer; spki: Buffer } {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url'), spki };
}

test('a P-256 key is read, also when the TPM left out leading zeros', () => {
  let key = point();
  while (key.x[0] !== 0) key = point();
  for (const x of [key.x, key.x.subarray(1)]) {
    const read = parsePublicKey(eccArea({ x, y: key.y }));
    expect(read.export({ type: 'spki', format: 'der' })).toEqual(key.spki);
  }
});

test('every shorter piece of a key is refused, and so is a longer one', () => {
  const area = eccArea(point());
  for (let length = 0; length < area.length; length += 1) {
    expect(() => parsePublicKey(area.subarray(0, length))).toThrowError(
      expect.objectContaining({ code: 'request/invalid' }),
    );
  }
  expect(() => parsePublicKey(Buffer.concat([area, Buffer.alloc(1)]))).toThrowError(/not the public area/);
});

test.each<[string, Partial<EccParts>]>([
  ['another curve', { curve: 4 }],
  ['another name algorithm', { nameAlgorithm: 0x0c }],
  ['a coordinate that is too long', { x: Buffer.alloc(33, 1) }],
  ['a point that is not on the curve', { x: Buffer.alloc(32, 1) }],
])('a key with %s is refused', (_, change) => {
  expect(() => parsePublicKey(eccArea({ ...point(), ...change }))).toThrowError(
    expect.objectContaining({ code: 'request/invalid' }),
  );
});

/** An RSA endorsement key of 2,048 bits as a TPM describes it. */
function rsaArea(modulus: Buffer): Buffer {
  const head = [uint16(0x01), uint16(0x0b), uint32(0x300b2), sized(Buffer.alloc(32))];
  const parameters = [0x06, 128, 0x43, 0x10, 2048].map(uint16);
  return Buffer.concat([...head, ...parameters, uint32(0), sized(modulus)]);
}

// None of them is the product of two large primes; a credential for one cannot be made, or anybody could open it.
test.each<[string, (modulus: Buffer) => void]>([
  ['even', (modulus) => modulus.fill(0xaa)],
  ['zero', (modulus) => modulus.fill(0)],
  ['one', (modulus) => modulus.fill(0).writeUInt8(1, 255)],
  ['shorter than it says', (modulus) => modulus.writeUInt8(0)],
])('an RSA modulus that is %s is refused', (_, change) => {
  const { n = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const modulus = Buffer.from(n, 'base64url');
  expect(parsePublicKey(rsaArea(modulus)).asymmetricKeyType).toBe('rsa');
  change(modulus);
  expect(() => parsePublicKey(rsaArea(modulus))).toThrowError(
    expect.objectContaining({ code: 'request/invalid' }),
  );
});

test('a name is the hash of everything that describes the key', () => {
  const area = eccArea(point());
  const hash = createHash('sha256').update(area).digest('hex');
  expect(keyName(area).toString('hex')).toBe(`000b${hash}`);
});

test.each([0, 33])('a credential does not hold %i bytes', (length) => {
  const area = eccArea(point());
  expect(() => makeCredential(area, keyName(area), randomBytes(length))).toThrowError(
    expect.objectContaining({ code: 'request/invalid' }),
  );
});
