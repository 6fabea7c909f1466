import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { readMakerCertificate } from './maker-certificate.ts';

x509.cryptoProvider.set(webcrypto);

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Somebody's certificate for whatever key: that the issuer did not see the private one is the point. */
async function certify(key: KeyObject, notAfter = new Date('2040-01-01')): Promise<Buffer> {
  const issuer = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '01',
    subject: 'CN=Stranger',
    issuer: 'CN=Stranger',
    notBefore: new Date('2020-01-01'),
    notAfter,
    publicKey: new x509.PublicKey(key.export({ format: 'der', type: 'spki' })),
    signingKey: issuer.privateKey,
    signingAlgorithm: SIGNING,
  });
  return Buffer.from(certificate.rawData);
}

function odd(bits: number, first: number): string {
  const bytes = randomBytes(bits / 8);
  bytes[0] = first;
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
  return bytes.toString('base64url');
}

function rsa(modulusBits: number, exponent: string): KeyObject {
  return createPublicKey({ key: { kty: 'RSA', n: odd(modulusBits, 0xc0), e: exponent }, format: 'jwk' });
}

describe('a certificate is read', () => {
  it.each([
    ['RSA', () => rsa(2048, 'AQAB')],
    ['RSA with many bits', () => rsa(4096, 'AQAB')],
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey],
  ])('with a key as makers have them: %s', async (_kind, make) => {
    expect(readMakerCertificate(await certify(make()))?.x509.subject).toBe('CN=Stranger');
  });

  // One signature of such a key takes a hundred times as long to check as one of any maker.
  it.each([
    ['an exponent of 3,072 bits', () => rsa(3072, odd(3072, 0x40))],
    ['a modulus of 16,384 bits', () => rsa(16_384, 'AQAB')],
    ['a curve that no maker uses', () => generateKeyPairSync('ec', { namedCurve: 'sect571r1' }).publicKey],
    ['another kind', () => generateKeyPairSync('ed25519').publicKey],
  ])('never with a key that keeps the reader busy: %s', async (_kind, make) => {
    expect(readMakerCertificate(await certify(make()))).toBeUndefined();
  });

  it.each([
    ['a month that is none', '409901000000Z'],
    ['letters', '4001010000abZ'],
  ])('never with times that are none: %s', async (_what, time) => {
    // More than once: what Node makes of such a time differs from time to time.
    for (let round = 0; round < 20; round += 1) {
      const der = await certify(rsa(2048, 'AQAB'));
      const at = der.indexOf('400101000000Z');
      expect(at).toBeGreaterThan(0);
      der.write(time, at, 'latin1');
      expect(readMakerCertificate(der)).toBeUndefined();
    }
  });

  it('with an end in the last of all years, as makers write for never', async () => {
    const read = readMakerCertificate(await certify(rsa(2048, 'AQAB'), new Date('9999-12-31T23:59:59Z')));
    expect(read?.x509.validToDate.getUTCFullYear()).toBe(9999);
  });
});
