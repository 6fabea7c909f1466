import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { CertificateAuthority, isOver } from './certificate-authority.ts';
import { LeafCache } from './leaf-cache.ts';

const DAY_MS = 24 * 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'raypher-ca-'));
let authority: CertificateAuthority;
beforeAll(async () => {
  authority = await CertificateAuthority.open(await CertificateAuthority.createRoot('test-machine'));
  writeFileSync(join(folder, 'root.pem'), authority.certificate);
});

/** What OpenSSL's own strict verification says about a leaf for this name. */
function verify(certificate: string, name: readonly string[]): string {
  const leaf = join(folder, 'leaf.pem');
  writeFileSync(leaf, certificate);
  const root = join(folder, 'root.pem');
  const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', root, ...name, leaf];
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

test('the root may sign certificates of TLS servers and nothing else', () => {
  const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', join(folder, 'root.pem')], {
    encoding: 'utf8',
  });
  expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
  expect(text).toMatch(/Extended Key Usage: *\s+TLS Web Server Authentication\s*\n/);
  expect(text).toMatch(/ASN1 OID: prime256v1/);
  const { validToDate } = new X509Certificate(authority.certificate);
  expect(validToDate.getTime() - Date.now()).toBeLessThan(6 * 365 * DAY_MS);
});

const LONG = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`;
test.each([
  ['a name', 'api.example.com', ['-verify_hostname', 'api.example.com']],
  ['a name longer than a common name may be', LONG, ['-verify_hostname', LONG]],
  ['an international name', 'xn--bcher-kva.example', ['-verify_hostname', 'xn--bcher-kva.example']],
  ['a name with an underscore', 'my_service.example', ['-verify_hostname', 'my_service.example']],
  ['an IPv4 address', '192.0.2.7', ['-verify_ip', '192.0.2.7']],
  ['an IPv6 address', '2001:db8::7', ['-verify_ip', '2001:db8::7']],
])('OpenSSL accepts a leaf for %s, strictly', async (_what, host, name) => {
  const { certificate } = await authority.issue(host);
  expect(verify(certificate, name)).toContain(': OK');
  expect(() => verify(certificate, ['-verify_hostname', 'other.example'])).toThrow();
});

test('a leaf is short-lived, begins before now, and no two have the same number', async () => {
  const [one, two] = [await authority.issue('a.example'), await authority.issue('a.example')];
  const { validFromDate, validToDate, serialNumber } = new X509Certificate(one.certificate);
  expect(validFromDate.getTime()).toBeLessThan(Date.now() - 3_600_000);
  expect(validToDate.getTime()).toBeLessThan(Date.now() + 8 * DAY_MS);
  expect(serialNumber).not.toBe(new X509Certificate(two.certificate).serialNumber);
});

test('no leaf outlives its root', async () => {
  const now = Date.now() + 5 * 365 * DAY_MS - 2 * DAY_MS;
  const { certificate } = await authority.issue('late.example', now);
  const end = new X509Certificate(authority.certificate).validToDate;
  expect(new X509Certificate(certificate).validToDate).toEqual(end);
});

test('a root is over before its end, and when the clock was set back before its beginning', () => {
  expect(isOver(authority.certificate)).toBe(false);
  expect(isOver(authority.certificate, Date.now() + 5 * 365 * DAY_MS - 10 * DAY_MS)).toBe(true);
  expect(isOver(authority.certificate, Date.now() - 3 * DAY_MS)).toBe(true);
});

test('a key of another root is not taken', async () => {
  const [one, other] = [
    await CertificateAuthority.createRoot('one'),
    await CertificateAuthority.createRoot('x'),
  ];
  await expect(CertificateAuthority.open({ certificate: one.certificate, key: other.key })).rejects.toThrow(
    'not that of the certificate',
  );
});

test('leaves are made once, the longest unused go first, and each is renewed before it ends', async () => {
  let now = Date.now();
  const made: string[] = [];
  const leaves = new LeafCache(
    (host) => {
      made.push(host);
      return authority.issue(host, now);
    },
    2,
    () => now,
  );
  await Promise.all([leaves.for('a.example'), leaves.for('a.example')]);
  await leaves.for('b.example');
  await leaves.for('a.example');
  await leaves.for('c.example');
  expect(leaves.size).toBe(2);
  await leaves.for('a.example');
  expect(made).toEqual(['a.example', 'b.example', 'c.example']);
  await leaves.for('b.example');
  now += 6.5 * DAY_MS;
  await leaves.for('b.example');
  expect(made).toEqual(['a.example', 'b.example', 'c.example', 'b.example', 'b.example']);
});

test('what cannot be issued is asked for again', async () => {
  let isDown = true;
  const leaves = new LeafCache((host) => (isDown ? Promise.reject(new Error('no')) : authority.issue(host)));
  await expect(leaves.for('a.example')).rejects.toThrow('no');
  isDown = false;
  await expect(leaves.for('a.example')).resolves.toBeDefined();
});
