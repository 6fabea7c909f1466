import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { verifyQuote } from './verify-attestation.ts';
import { sized, uint16, uint32 } from './wire.ts';

// Real TPMs are asked in the agent's tests. Here a key in software claims to be an attestation key and signs what no
// TPM signs: even one whose certificate was wrongly believed gets no further.
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const nonce = randomBytes(32);

function claimedKey(attributes = 0x50072): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return Buffer.concat([
    ...[uint16(0x23), uint16(0x0b), uint32(attributes), sized(Buffer.alloc(0)), uint16(0x10)],
    ...[uint16(0x18), uint16(0x0b), uint16(3), uint16(0x10)],
    ...[sized(Buffer.from(x, 'base64url')), sized(Buffer.from(y, 'base64url'))],
  ]);
}

function statement({ magic = 0xff544347, type = 0x8018 } = {}): Buffer {
  return Buffer.concat([
    ...[uint32(magic), uint16(type), sized(Buffer.from('signer')), sized(nonce)],
    ...[Buffer.alloc(8), uint32(7), uint32(2), Buffer.from([1]), Buffer.from('0000000000000009', 'hex')],
    ...[uint32(1), uint16(0x0b), Buffer.from('03800000', 'hex'), sized(Buffer.alloc(32, 5))],
  ]);
}

function signed(attested: Buffer) {
  const signature = sign('sha256', attested, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const numbers = [sized(signature.subarray(0, 32)), sized(signature.subarray(32))];
  return { attested, signature: Buffer.concat([uint16(0x18), uint16(0x0b), ...numbers]) };
}

test('a statement in the right form is read', () => {
  expect(verifyQuote(signed(statement()), claimedKey(), nonce)).toEqual({
    resetCount: 7,
    restartCount: 2,
    firmwareVersion: 9n,
    pcrSelection: Buffer.from('00000001000b03800000', 'hex'),
    pcrDigest: Buffer.alloc(32, 5),
  });
});

test.each([
  ['does not start as a TPM’s do', { magic: 0xff544346 }, 'a TPM did not make it'],
  ['is about something else', { type: 0x8017 }, 'something else'],
])('a signed statement that %s is refused', (_, change, why) => {
  expect(() => verifyQuote(signed(statement(change)), claimedKey(), nonce)).toThrowError(why);
});

test('a signed statement that is cut off, or goes on after its end, is refused', () => {
  const whole = statement();
  for (let length = 0; length < whole.length; length += 1) {
    expect(() => verifyQuote(signed(whole.subarray(0, length)), claimedKey(), nonce)).toThrowError(
      expect.objectContaining({ code: 'device/identity-mismatch' }),
    );
  }
  const longer = Buffer.concat([whole, Buffer.alloc(1)]);
  expect(() => verifyQuote(signed(longer), claimedKey(), nonce)).toThrowError(/does not hold/);
});

test.each([
  ['signs anything', 0x40072],
  ['may be copied to another TPM', 0x50070],
  ['may be moved with its parent', 0x50062],
  ['was made outside', 0x50052],
  ['decrypts, too', 0x70072],
])('a key that %s is no attestation key', (_, attributes) => {
  expect(() => verifyQuote(signed(statement()), claimedKey(attributes), nonce)).toThrowError(
    expect.objectContaining({ code: 'device/identity-mismatch' }),
  );
});
