import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { assertKeyKind } from './key-kind.ts';
import { sized } from './wire.ts';

/** An attestation key's public area up to its point. */
const ATTESTATION = '0023000b00050072000000100018000b00030010';

function area(head: string): Buffer {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    format: 'jwk',
  });
  const point = [x, y].map((number) => sized(Buffer.from(number, 'base64url')));
  return Buffer.concat([Buffer.from(head, 'hex'), ...point]);
}

describe('the kind of a key', () => {
  test('is told by everything but the key itself', () => {
    expect(() => assertKeyKind(area(ATTESTATION), 'attestation')).not.toThrow();
    expect(() => assertKeyKind(area(ATTESTATION.replace('50072', '40072')), 'device')).not.toThrow();
  });

  test.each([
    ['a device key', '40072'],
    ['one that can be duplicated (fixedTPM is missing)', '50070'],
    ['one with a fixed TPM but another parent (fixedParent is missing)', '50062'],
    ['one that was made outside and brought in (sensitiveDataOrigin is missing)', '50052'],
    ['one that decrypts too', '70072'],
  ])('an attestation key is not %s', (_what, attributes) => {
    expect(() => assertKeyKind(area(ATTESTATION.replace('50072', attributes)), 'attestation')).toThrow(
      'no attestation key',
    );
  });

  test.each([
    ['another name algorithm', ATTESTATION.replace('0023000b', '0023000c')],
    ['another scheme', ATTESTATION.replace('0018', '001a')],
    ['no scheme', '0023000b0005007200000010001000030010'],
    ['another curve', ATTESTATION.replace('00030010', '00040010')],
  ])('an attestation key does not have %s', (_what, head) => {
    expect(() => assertKeyKind(area(head), 'attestation')).toThrow('no attestation key');
  });

  test('what goes on after the key, or ends before it, is no key', () => {
    const key = area(ATTESTATION);
    expect(() => assertKeyKind(Buffer.concat([key, Buffer.alloc(1)]), 'attestation')).toThrow();
    expect(() => assertKeyKind(key.subarray(0, -1), 'attestation')).toThrow();
    expect(() => assertKeyKind(Buffer.alloc(0), 'attestation')).toThrow();
  });

  test('an endorsement key with a policy of somebody’s own is none', () => {
    const policy = '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa';
    const head = `0023000b000300b20020${policy}000600800043001000030010`;
    expect(() => assertKeyKind(area(head), 'endorsement')).not.toThrow();
    expect(() => assertKeyKind(area(head.replace('8371', '0000')), 'endorsement')).toThrow(
      'no endorsement key',
    );
  });
});
