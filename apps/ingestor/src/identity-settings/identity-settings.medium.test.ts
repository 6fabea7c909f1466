import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TenantDatabase } from '../database/tenant-database.ts';
import { createRoot, generateKeyPair, issueServerCertificate, toPem } from '../keys/certificates.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import { IdentitySettingsService } from './identity-settings.service.ts';
import { TpmRootsService } from './tpm-roots.service.ts';

let api: TestApi;
let acme: TestOrganisation;
let rival: TestOrganisation;

beforeAll(async () => {
  api = await TestApi.start();
  [acme, rival] = [await api.found('Acme'), await api.found('Rival')];
});
afterAll(() => api.stop());

const reason = 'Only chips.';
const ADMIT_ALL = { hardware: 'admit', virtual: 'admit', unverified: 'admit', software: 'admit' };
const STRICT = { hardware: 'admit', virtual: 'approve', unverified: 'refuse', software: 'refuse' };

/** What an enrolment goes by. */
const admission = ({ id }: TestOrganisation) =>
  api.app
    .get(TenantDatabase)
    .within(id, (tx) => api.app.get(IdentitySettingsService, { strict: false }).admission(tx, id));
const trusted = async ({ id }: TestOrganisation) => {
  const service = api.app.get(TpmRootsService, { strict: false });
  const roots = await api.app.get(TenantDatabase).within(id, (tx) => service.trusted(tx, id));
  return roots.map(({ fingerprint }) => fingerprint);
};
const lastAudit = async () => (await acme.administrator.get('/v1/audit')).body.items[0];

async function rootPem(): Promise<string> {
  return toPem(await createRoot(await generateKeyPair()));
}
const add = (certificate: string) =>
  acme.administrator.post('/v1/settings/tpm-roots', {
    certificate,
    manufacturer: 'Acme hypervisors',
    kind: 'virtual',
    reason,
  });

describe('the admission of devices', () => {
  it('lets every class in until somebody decides otherwise, for that organisation alone', async () => {
    const before = await acme.administrator.get('/v1/settings/identity');
    expect(before.body).toEqual({ admission: ADMIT_ALL, updatedAt: null, updatedBy: null });
    const answer = await acme.administrator.request('PUT', '/v1/settings/identity', {
      admission: STRICT,
      reason,
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ admission: STRICT, updatedBy: expect.stringContaining('@') });
    expect(await admission(acme)).toEqual(STRICT);
    expect(await admission(rival)).toEqual(ADMIT_ALL);
    expect(await lastAudit()).toMatchObject({
      action: 'settings.identity',
      reason,
      before: ADMIT_ALL,
      after: STRICT,
    });
  });

  it('is decided for all four classes at once, or not at all', async () => {
    for (const rules of [
      { hardware: 'admit' },
      { ...STRICT, software: 'perhaps' },
      { ...STRICT, other: 'admit' },
    ]) {
      const { status } = await acme.administrator.request('PUT', '/v1/settings/identity', {
        admission: rules,
        reason,
      });
      expect(status, JSON.stringify(rules)).toBe(400);
    }
  });
});

describe('the pinned roots', () => {
  it('are the built-in ones, of which an organisation distrusts what it wants', async () => {
    const { body } = await acme.administrator.get('/v1/settings/tpm-roots');
    const [first] = body.items;
    expect(first).toMatchObject({ origin: 'built-in', trusted: true, devices: 0 });
    const path = `/v1/settings/tpm-roots/${first.fingerprint}`;
    const distrusted = await acme.administrator.patch(path, { trusted: false, reason });
    expect(distrusted.body).toMatchObject({ fingerprint: first.fingerprint, trusted: false });
    expect(await trusted(acme)).not.toContain(first.fingerprint);
    expect(await trusted(rival)).toContain(first.fingerprint);
    expect(await lastAudit()).toMatchObject({ action: 'tpm-root.distrust', before: { trusted: true } });
    // Again changes nothing.
    expect((await acme.administrator.patch(path, { trusted: false, reason })).status).toBe(200);
    expect((await acme.administrator.patch(path, { trusted: true, reason })).body.trusted).toBe(true);
    expect(await trusted(acme)).toContain(first.fingerprint);
  });

  it('include own ones, which are gone once they are distrusted', async () => {
    const pem = await rootPem();
    const added = await add(pem);
    expect([added.status, added.body.origin, added.body.trusted]).toEqual([201, 'organisation', true]);
    const { fingerprint } = added.body;
    expect(await trusted(acme)).toContain(fingerprint);
    expect(await trusted(rival)).not.toContain(fingerprint);
    expect((await add(pem)).status).toBe(409);
    const path = `/v1/settings/tpm-roots/${fingerprint}`;
    expect((await rival.administrator.patch(path, { trusted: false, reason })).status).toBe(404);
    expect((await acme.administrator.patch(path, { trusted: false, reason })).body.trusted).toBe(false);
    expect(await trusted(acme)).not.toContain(fingerprint);
    expect((await acme.administrator.patch(path, { trusted: true, reason })).status).toBe(404);
  });

  it('are one self-signed authority each, valid today', async () => {
    const keys = await generateKeyPair();
    const root = { certificate: await createRoot(keys), privateKey: keys.privateKey };
    const server = toPem(await issueServerCertificate(root, ['localhost'], keys.publicKey));
    const ended = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=Ended',
      notBefore: new Date('2019-01-01'),
      notAfter: new Date('2020-01-01'),
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    const pem = toPem(root.certificate);
    for (const certificate of [
      server,
      toPem(ended),
      pem + pem,
      `x${pem}`,
      randomBytes(500).toString('base64'),
      '',
    ]) {
      const { status, body } = await add(certificate);
      expect([status, body.error.code], certificate.slice(0, 60)).toEqual([400, 'request/invalid']);
    }
  });

  it('cannot be reached by a name that is no fingerprint', async () => {
    for (const name of ['x', '00'.repeat(32), "'%20OR%201"]) {
      const { status } = await acme.administrator.patch(`/v1/settings/tpm-roots/${name}`, {
        trusted: false,
        reason,
      });
      expect(status, name).toBe(404);
    }
  });
});
