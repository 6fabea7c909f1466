import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import * as x509 from '@peculiar/x509';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InstallationAuthority } from '../keys/installation-authority.ts';
import { postJson } from '../testing/https-request.ts';
import { Installation } from '../testing/installation.ts';
import { createDeviceKey, DEVICE_FACTS } from '../testing/test-device.ts';

let installation: Installation;
let admin: pg.Client;

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});

afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

async function enrol(token: string, csr?: string) {
  return postJson(installation.tlsPort, '/v1/enroll', {
    token,
    csr: csr ?? (await createDeviceKey()).csr,
    device: DEVICE_FACTS,
  });
}

describe('enrolment', () => {
  it('turns a token and a key into a device with a certificate of ours', async () => {
    const device = await installation.enrolDevice();
    const [leaf, authority] = device.certificate.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
    const certificate = new X509Certificate(leaf ?? '');
    const root = new X509Certificate(device.ca);
    expect(certificate.subjectAltName).toBe(
      `URI:raypher://device/${installation.organisationId}/${device.id}`,
    );
    expect(certificate.ca).toBe(false);
    expect(certificate.subject).toBe(`CN=${device.id}`);
    expect(certificate.verify(new X509Certificate(authority ?? '').publicKey)).toBe(true);
    expect(new X509Certificate(authority ?? '').verify(root.publicKey)).toBe(true);
    expect(certificate.validToDate.getTime() - Date.now()).toBeLessThanOrEqual(24 * 3_600_000);
    const { rows } = await admin.query(
      `SELECT (SELECT count(*)::int FROM device_chains WHERE device_id = $1) AS chains,
              (SELECT count(*)::int FROM device_certificates WHERE device_id = $1) AS certificates,
              (SELECT count(*)::int FROM audit_entries WHERE action = 'device.enrol' AND after->>'device' = $1::text) AS audit`,
      [device.id],
    );
    expect(rows[0]).toEqual({ chains: 1, certificates: 1, audit: 1 });
  });

  it('keeps nothing of a name that could disguise it on a screen', async () => {
    const hostname = 'laptop\u202eexe.\u001b[2J';
    const { body } = await postJson(installation.tlsPort, '/v1/enroll', {
      token: await installation.createToken(),
      csr: (await createDeviceKey()).csr,
      device: { ...DEVICE_FACTS, hostname },
    });
    const { rows } = await admin.query(
      `SELECT d.hostname, a.target FROM devices d JOIN audit_entries a ON a.after->>'device' = d.id::text WHERE d.id = $1`,
      [body.device],
    );
    const shown = 'laptop\ufffdexe.\ufffd[2J';
    expect(rows).toEqual([{ hostname: shown, target: shown }]);
  });

  it('carries a pin in the token that is the root’s own', async () => {
    const token = await installation.createToken();
    expect(token.split('.')[3]).toBe(installation.api.get(InstallationAuthority).pin);
  });

  it('lets exactly ten of a hundred devices in with a token for ten', async () => {
    const token = await installation.createToken({ maxUses: 10 });
    const keys = await Promise.all(Array.from({ length: 100 }, createDeviceKey));
    const answers: Awaited<ReturnType<typeof enrol>>[] = [];
    // Twenty at once: on a busy machine the last of a hundred would wait too long for a connection to the database.
    for (let at = 0; at < keys.length; at += 20) {
      answers.push(...(await Promise.all(keys.slice(at, at + 20).map(({ csr }) => enrol(token, csr)))));
    }
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(new Set(refused.map(({ body }) => body.error?.code))).toEqual(
      new Set(['enrolment/token-exhausted']),
    );
    const id = token.split('.')[1];
    const { rows } = await admin.query(
      `SELECT uses, (SELECT count(*)::int FROM devices d WHERE d.enrolled_with = t.id) AS devices
         FROM enrolment_tokens t WHERE id = $1::uuid`,
      [id],
    );
    expect(rows[0]).toEqual({ uses: 10, devices: 10 });
  });

  it('gives a device that lost the answer the same identity, without another use', async () => {
    const token = await installation.createToken({ maxUses: 1 });
    const { csr } = await createDeviceKey();
    const first = await enrol(token, csr);
    const second = await enrol(token, csr);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.device).toBe(first.body.device);
  });

  it('gives one identity to a device that asks eight times at once', async () => {
    const token = await installation.createToken({ maxUses: 1 });
    const { csr } = await createDeviceKey();
    const answers = await Promise.all(Array.from({ length: 8 }, () => enrol(token, csr)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(new Set(answers.map(({ body }) => body.device)).size).toBe(1);
  });

  it('lets one of two tokens have a key that is presented with both at once', async () => {
    const { csr } = await createDeviceKey();
    const [one, two] = [await installation.createToken(), await installation.createToken()];
    const answers = await Promise.all([enrol(one, csr), enrol(two, csr)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('refuses a second device with the key of another', async () => {
    const { csr } = await createDeviceKey();
    await enrol(await installation.createToken(), csr);
    const second = await enrol(await installation.createToken(), csr);
    expect(second.body.error?.code).toBe('enrolment/already-enrolled');
  });

  it('says the same about an unknown token and a wrong secret', async () => {
    const token = await installation.createToken();
    const [version, id = '', secret = '', pin] = token.split('.');
    const flipped = secret.startsWith('A') ? `B${secret.slice(1)}` : `A${secret.slice(1)}`;
    const wrong = await enrol([version, id, flipped, pin].join('.'));
    const unknown = await enrol([version, id.replace(/./g, '0'), secret, pin].join('.'));
    expect(wrong).toEqual(unknown);
    expect(wrong.body.error?.code).toBe('enrolment/token-unknown');
  });

  it('says why a known token cannot be used', async () => {
    const expired = await enrol(await installation.createToken({ expiresInMs: -1_000 }));
    expect(expired.body.error?.code).toBe('enrolment/token-expired');
    const token = await installation.createToken();
    await admin.query('UPDATE enrolment_tokens SET revoked_at = now() WHERE id = $1::uuid', [
      token.split('.')[1],
    ]);
    expect((await enrol(token)).body.error?.code).toBe('enrolment/token-revoked');
  });

  it('refuses requests that are not signed by a P-256 key of their own', async () => {
    const token = await installation.createToken();
    const signing = { name: 'ECDSA', hash: 'SHA-256' };
    const make = async (namedCurve: string) => {
      const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign', 'verify']);
      return x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=x', keys, signingAlgorithm: signing });
    };
    const wrongCurve = await enrol(token, (await make('P-384')).toString('pem'));
    expect(wrongCurve.body.error?.code).toBe('enrolment/csr-invalid');
    const der = Buffer.from((await make('P-256')).rawData);
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    expect((await enrol(token, forged)).body.error?.code).toBe('enrolment/csr-invalid');
    expect((await enrol(token, 'nonsense')).body.error?.code).toBe('enrolment/csr-invalid');
    const { rows } = await admin.query('SELECT uses FROM enrolment_tokens WHERE id = $1::uuid', [
      token.split('.')[1],
    ]);
    expect(rows[0]).toEqual({ uses: 0 });
  });

  it('is refused over plain HTTP, whatever a proxy claims', async () => {
    const { port } = new URL(await installation.api.getUrl());
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path: '/v1/enroll',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-proto': 'https' },
    });
    outgoing.end(JSON.stringify({ token: await installation.createToken(), csr: 'x', device: DEVICE_FACTS }));
    const [response] = await once(outgoing, 'response');
    response.resume();
    expect(response.statusCode).toBe(403);
  });
});

describe('renewal', () => {
  it('gives a device its next certificate for the same key', async () => {
    const device = await installation.enrolDevice();
    const identity = { key: device.keyPem, cert: device.certificate };
    const answer = await postJson(installation.tlsPort, '/v1/renew', { csr: device.csr }, identity);
    expect(answer.status).toBe(201);
    const renewed = new X509Certificate(String(answer.body.certificate));
    expect(renewed.checkPrivateKey(device.key)).toBe(true);
    expect(renewed.fingerprint256).not.toBe(new X509Certificate(device.certificate).fingerprint256);
  });

  it('gives one device only so many in a row, and others theirs', async () => {
    const device = await installation.enrolDevice();
    const renew = async ({ keyPem: key, certificate: cert, csr }: typeof device) =>
      (await postJson(installation.tlsPort, '/v1/renew', { csr }, { key, cert })).status;
    const answers = [];
    for (let count = 0; count < 12; count += 1) answers.push(await renew(device));
    expect([answers[0], answers.at(-1)]).toEqual([201, 429]);
    expect(await renew(await installation.enrolDevice())).toBe(201);
  });

  it('is refused without a certificate', async () => {
    const { csr } = await createDeviceKey();
    const answer = await postJson(installation.tlsPort, '/v1/renew', { csr });
    expect(answer.body.error?.code).toBe('device/certificate-missing');
  });

  it('is refused for another key', async () => {
    const device = await installation.enrolDevice();
    const { csr } = await createDeviceKey();
    const answer = await postJson(
      installation.tlsPort,
      '/v1/renew',
      { csr },
      { key: device.keyPem, cert: device.certificate },
    );
    expect(answer.body.error?.code).toBe('device/identity-mismatch');
  });

  it('is refused for a revoked device', async () => {
    const device = await installation.enrolDevice();
    await admin.query(`UPDATE devices SET status = 'revoked', revoked_at = now() WHERE id = $1`, [device.id]);
    const answer = await postJson(
      installation.tlsPort,
      '/v1/renew',
      { csr: device.csr },
      { key: device.keyPem, cert: device.certificate },
    );
    expect(answer.body.error?.code).toBe('device/revoked');
  });
});
