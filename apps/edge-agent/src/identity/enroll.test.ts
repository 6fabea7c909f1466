import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDeviceUri } from '@raypher/shared';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { DEFAULT_CONFIG } from '../config/config.ts';
import { leaveOrganisation } from '../service/membership.ts';
import { agentPaths } from '../service/paths.ts';
import { becomeMember } from '../setup/become-member.ts';
import { ConnectProxy } from '../testing/connect-proxy.ts';
import { TestAuthority } from '../testing/test-authority.ts';
import { TestControlPlane } from '../testing/test-control-plane.ts';
import { enroll } from './enroll.ts';
import { loadEnrolment, saveEnrolment } from './enrolment.ts';
import { parseEnrolmentToken } from './enrolment-token.ts';
import { needsPerson, remainingValidityMs, renew, renewalDelayMs, startRenewalLoop } from './renewal.ts';
import { SoftwareKeyProvider } from './software-key-provider.ts';

let plane: TestControlPlane;
let keys: SoftwareKeyProvider;
const folder = mkdtempSync(join(tmpdir(), 'raypher-identity-'));

beforeAll(async () => {
  plane = await TestControlPlane.start();
  keys = await SoftwareKeyProvider.open(join(folder, 'device.key'));
});
afterAll(() => plane.stop());

test('a device enrols with a certificate for its own key and its own name', async () => {
  const enrolment = await enroll(plane.server, plane.token, keys);
  const leaf = new X509Certificate(enrolment.certificate);
  expect(leaf.publicKey.export({ type: 'spki', format: 'der' }).equals(keys.publicKey)).toBe(true);
  const uri = leaf.subjectAltName?.replace('URI:', '') ?? '';
  expect(parseDeviceUri(uri)).toEqual({ organisation: plane.organisation, device: enrolment.device });
  expect(new X509Certificate(enrolment.ca).fingerprint256).toBe(
    new X509Certificate(plane.authority.rootPem).fingerprint256,
  );
});

test('through a proxy everything goes, and nothing past it', async () => {
  const proxy = await ConnectProxy.start();
  try {
    const enrolment = await enroll(plane.server, plane.token, keys, proxy.url);
    expect(proxy.offered).toHaveLength(2);
    expect((await renew(enrolment, keys, proxy.url)).certificate).not.toBe(enrolment.certificate);
    expect(proxy.offered).toHaveLength(3);
    proxy.refuses = 403;
    await expect(renew(enrolment, keys, proxy.url)).rejects.toMatchObject({ code: 'link/unreachable' });
    await expect(enroll(plane.server, plane.token, keys, proxy.url)).rejects.toMatchObject({
      code: 'link/unreachable',
    });
  } finally {
    await proxy.stop();
  }
});

test('a server with another root never sees the token', async () => {
  const impostor = await TestControlPlane.start();
  try {
    await expect(enroll(impostor.server, plane.token, keys)).rejects.toMatchObject({
      code: 'enrolment/pin-mismatch',
    });
    expect(impostor.tokensSeen).toEqual([]);
  } finally {
    await impostor.stop();
  }
});

test('a pin on something else than a self-signed root in the chain is not enough', async () => {
  const { pin } = await TestAuthority.create();
  await expect(enroll(plane.server, plane.token.replace(/[^.]+$/, pin), keys)).rejects.toMatchObject({
    code: 'enrolment/pin-mismatch',
  });
});

test("the control plane's refusal arrives with its code and hint", async () => {
  const { pin } = plane.authority;
  const other = ['rpt1', 'ab'.repeat(16), 'A'.repeat(43), pin].join('.');
  await expect(enroll(plane.server, other, keys)).rejects.toMatchObject({
    code: 'enrolment/token-unknown',
    hint: 'Create another.',
  });
});

test('plain http is refused before anything is sent', async () => {
  await expect(enroll(new URL('http://127.0.0.1:1'), plane.token, keys)).rejects.toMatchObject({
    code: 'request/invalid',
  });
});

test('a mistyped token is refused without being repeated', () => {
  expect(() => parseEnrolmentToken('rpt1.secret-part')).toThrowError(
    expect.objectContaining({ message: expect.not.stringContaining('secret-part') }),
  );
});

test('renewal proves the current identity and keeps root and policy keys', async () => {
  const enrolment = await enroll(plane.server, plane.token, keys);
  const renewed = await renew(enrolment, keys);
  expect(renewed.certificate).not.toBe(enrolment.certificate);
  expect(renewed).toMatchObject({
    ca: enrolment.ca,
    policyKeys: enrolment.policyKeys,
    device: enrolment.device,
  });
});

test('a machine that was off for longer than its certificate lives renews it to give up its identity', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'raypher-away-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const config = { ...DEFAULT_CONFIG, dataDir, identityKey: 'software' } as const;
  const paths = agentPaths(dataDir);
  plane.certificateLifeMs = -1000;
  await becomeMember({ server: plane.server, token: () => plane.token, replace: false }, paths, config);
  plane.certificateLifeMs = 24 * 3_600_000;
  const asked = plane.requests.length;
  expect(await leaveOrganisation(paths, config)).toBe('');
  expect(plane.requests.slice(asked).map(({ path }) => path)).toEqual([
    '/v1/leave',
    '/v1/renew',
    '/v1/leave',
  ]);
  expect(loadEnrolment(paths.enrolment)?.status).toBe('revoked');
});

test('renewal without a certificate of this root is refused', async () => {
  const stranger = await TestControlPlane.start();
  try {
    const foreign = await enroll(stranger.server, stranger.token, keys);
    const enrolment = await enroll(plane.server, plane.token, keys);
    await expect(renew({ ...enrolment, certificate: foreign.certificate }, keys)).rejects.toMatchObject({
      code: 'device/certificate-missing',
    });
  } finally {
    await stranger.stop();
  }
});

test('certificates are renewed before they expire, spread over time', async () => {
  const enrolment = await enroll(plane.server, plane.token, keys);
  const now = Date.now();
  const due = Date.parse(enrolment.renewAfter) - now;
  const latest = renewalDelayMs(enrolment, now, 0.999);
  expect(renewalDelayMs(enrolment, now, 0)).toBe(due);
  expect(latest).toBeGreaterThan(due);
  expect(latest).toBeLessThan(remainingValidityMs(enrolment, now));

  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // Due within a tenth of it, and still good after seconds in which a busy machine does nothing.
  plane.certificateLifeMs = 20_000;
  const short = { ...(await enroll(plane.server, plane.token, keys)), renewAfter: new Date().toISOString() };
  const stop = startRenewalLoop({
    enrolment: () => short,
    keys,
    renewed: ({ certificate }) => resolve(certificate),
    failed: reject,
  });
  expect(await promise).not.toBe(short.certificate);
  stop();
  plane.certificateLifeMs = 24 * 3_600_000;
});

test('a machine that slept past its renewal renews within a minute of waking', async () => {
  const enrolment = await enroll(plane.server, plane.token, keys);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  try {
    const stop = startRenewalLoop({
      enrolment: () => enrolment,
      keys,
      renewed: () => {},
      failed: () => {},
    });
    expect(plane.requests.at(-1)?.path).toBe('/v1/enroll');
    vi.advanceTimersByTime(60_000);
    // Two days pass in which no timer runs.
    vi.setSystemTime(Date.now() + 2 * 24 * 3_600_000);
    vi.advanceTimersByTime(60_001);
    stop();
  } finally {
    vi.useRealTimers();
  }
  await expect.poll(() => plane.requests.at(-1)?.path).toBe('/v1/renew');
});

test.each(['pending', 'paused', 'revoked'] as const)(
  'a renewal that is refused because the device is %s waits for a person, not for the network',
  async (status) => {
    const enrolment = await enroll(plane.server, plane.token, keys);
    plane.decide(status);
    const refusal = await renew(enrolment, keys).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: `device/${status}` });
    expect(needsPerson(refusal)).toBe(true);
    const away = await renew({ ...enrolment, server: 'https://127.0.0.1:1' }, keys).catch(
      (error: unknown) => error,
    );
    expect(away).toMatchObject({ code: 'link/unreachable' });
    expect(needsPerson(away)).toBe(false);
  },
);

test('a full disk does not end the agent when a certificate is renewed', async () => {
  plane.certificateLifeMs = 20_000;
  const due = { ...(await enroll(plane.server, plane.token, keys)), renewAfter: new Date(0).toISOString() };
  const { promise: told, resolve } = Promise.withResolvers<unknown>();
  const full = new Error('ENOSPC: no space left on device, write');
  const stop = startRenewalLoop({
    enrolment: () => due,
    keys,
    renewed: () => {
      throw full;
    },
    failed: resolve,
  });
  expect(await told).toBe(full);
  stop();
  plane.certificateLifeMs = 24 * 3_600_000;
});

test('key and enrolment are for the owner alone, and survive', async () => {
  const enrolment = await enroll(plane.server, plane.token, keys);
  const path = join(folder, 'enrolment.json');
  saveEnrolment(path, enrolment);
  expect(loadEnrolment(path)).toEqual(enrolment);
  for (const name of ['device.key', 'enrolment.json'])
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  const again = await SoftwareKeyProvider.open(join(folder, 'device.key'));
  expect(again.keyId).toBe(keys.keyId);
  const signature = await again.sign(Buffer.from('statement'));
  const publicKey = createPublicKey({ key: keys.publicKey, format: 'der', type: 'spki' });
  expect(verify('sha256', Buffer.from('statement'), publicKey, signature)).toBe(true);
});
