// The certificate library finds its parts through metadata and refuses to load without this.
import 'reflect-metadata';
import { generateKeyPairSync, sign } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { expect, test } from 'vitest';
import { createCertificateRequest } from './certificate-request.ts';
import { DER, der, derUnsigned } from './der.ts';

test('a certificate request is one that others read, for this key and signed by it', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const pem = await createCertificateRequest(spki, 'a1b2c3d4e5f60718', async (data) =>
    sign('sha256', data, privateKey),
  );
  const request = new Pkcs10CertificateRequest(pem);
  expect(request.subject).toBe('CN=a1b2c3d4e5f60718');
  expect(Buffer.from(request.publicKey.rawData)).toEqual(spki);
  expect(await request.verify()).toBe(true);
});

test('a certificate request that another key signed does not verify', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { privateKey: other } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = await createCertificateRequest(
    publicKey.export({ type: 'spki', format: 'der' }),
    'x',
    async (data) => sign('sha256', data, other),
  );
  expect(await new Pkcs10CertificateRequest(pem).verify()).toBe(false);
});

test.each([
  ['00', '020100'],
  ['0000', '020100'],
  ['007f', '02017f'],
  ['80', '02020080'],
  ['00ff01', '020300ff01'],
])('the number %s is %s: short, and never negative', (number, expected) => {
  expect(derUnsigned(Buffer.from(number, 'hex')).toString('hex')).toBe(expected);
});

test.each([
  [0, '0c00'],
  [127, '0c7f'],
  [128, '0c8180'],
  [255, '0c81ff'],
  [256, '0c820100'],
])('a text of %i bytes starts with %s', (size, head) => {
  expect(
    der(DER.utf8String, Buffer.alloc(size))
      .subarray(0, head.length / 2)
      .toString('hex'),
  ).toBe(head);
});
