import {
  type AdmissionRule,
  EnrolChallenge,
  type IdentityClass,
  type TpmEvidence,
} from '@raypher/shared/rest';
import { ControlPlane, enrolWithTpm, SimulatedTpm } from '@raypher/swarm';
import { tpmUnavailable } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../auth/principal.ts';
import { DevicesService } from '../fleet/devices.service.ts';
import { IdentitySettingsService } from '../identity-settings/identity-settings.service.ts';
import { TpmRootsService } from '../identity-settings/tpm-roots.service.ts';
import { postJson } from '../testing/https-request.ts';
import { Installation } from '../testing/installation.ts';
import { createDeviceKey, DEVICE_FACTS } from '../testing/test-device.ts';
import { ToolTpm } from '../testing/tool-tpm.ts';

const FACTS = { ...DEVICE_FACTS, identityClass: 'tpm' } as const;
const EVERYBODY = { hardware: 'admit', virtual: 'admit', unverified: 'admit', software: 'admit' } as const;

let installation: Installation;
let admin: pg.Client;
let caller: Principal;

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
  caller = await installation.caller();
});

afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

function rule(change: Partial<Record<IdentityClass, AdmissionRule>>) {
  const settings = installation.api.get(IdentitySettingsService, { strict: false });
  return settings.update(caller, { admission: { ...EVERYBODY, ...change }, reason: 'test' });
}

async function joinUnverified() {
  const server = new URL(`https://localhost:${installation.tlsPort}`);
  const controlPlane = await ControlPlane.reach(server, await installation.createToken());
  try {
    return await enrolWithTpm(controlPlane, new SimulatedTpm(), FACTS);
  } finally {
    await controlPlane.close();
  }
}

async function joinSoftware() {
  const { csr } = await createDeviceKey();
  const token = await installation.createToken();
  return postJson(installation.tlsPort, '/v1/enroll', { token, csr, device: DEVICE_FACTS });
}

describe('what an organisation does with a class', () => {
  it('lets it wait for approval, and says so in an alert', async () => {
    await rule({ unverified: 'approve' });
    const answer = await joinUnverified();
    expect(answer).toMatchObject({ status: 'pending', identityClass: 'unverified' });
    const { rows } = await admin.query('SELECT kind, severity FROM alerts WHERE device_id = $1', [
      answer.device,
    ]);
    expect(rows).toEqual([{ kind: 'device/pending', severity: 'warning' }]);
    expect((await joinSoftware()).body.status).toBe('active');
  });

  it('refuses it, before and after the challenge, and takes no use of the token', async () => {
    await rule({ unverified: 'refuse', software: 'refuse' });
    await expect(joinUnverified()).rejects.toMatchObject({ code: 'enrolment/class-refused' });
    expect((await joinSoftware()).body.error?.code).toBe('enrolment/class-refused');
    const { rows } = await admin.query('SELECT count(*)::int AS open FROM enrolment_challenges');
    expect(rows).toEqual([{ open: 0 }]);
  });

  it('holds at the answer, too, when the rule changed in between', async () => {
    await rule({});
    const tpm = new SimulatedTpm();
    const server = new URL(`https://localhost:${installation.tlsPort}`);
    const controlPlane = await ControlPlane.reach(server, await installation.createToken());
    const { challenge } = controlPlane;
    controlPlane.challenge = async (evidence) => {
      const asked = await challenge.call(controlPlane, evidence);
      await rule({ unverified: 'refuse' });
      return asked;
    };
    await expect(enrolWithTpm(controlPlane, tpm, FACTS)).rejects.toMatchObject({
      code: 'enrolment/class-refused',
    });
    await controlPlane.close();
  });
});

if (tpmUnavailable !== undefined) console.warn(tpmUnavailable);

describe.skipIf(tpmUnavailable !== undefined)('the class of a TPM from a factory', () => {
  let tpm: ToolTpm;
  let other: ToolTpm;

  beforeAll(async () => {
    await rule({});
    [tpm, other] = await Promise.all([
      ToolTpm.start({ manufactured: true }),
      ToolTpm.start({ manufactured: true }),
    ]);
    await installation.api.get(TpmRootsService, { strict: false }).add(caller, {
      certificate: tpm.makersRoot(),
      manufacturer: 'The factory of this test',
      kind: 'virtual',
      reason: 'test',
    });
  });
  beforeEach(() => admin.query(`UPDATE devices SET status = 'revoked' WHERE tpm_ek_key IS NOT NULL`));
  afterAll(async () => {
    await Promise.all([tpm?.stop(), other?.stop()]);
  });

  async function join(device: ToolTpm, evidence: TpmEvidence) {
    const token = await installation.createToken();
    const asked = await postJson(installation.tlsPort, '/v1/enroll/challenge', { token, tpm: evidence });
    if (asked.status !== 201) return asked.body;
    const proof = await device.answer(EnrolChallenge.parse(asked.body));
    const request = { token, csr: await device.request(), device: FACTS, tpm: proof };
    return (await postJson(installation.tlsPort, '/v1/enroll', request)).body;
  }

  it('is unverified when nobody pinned its maker', async () => {
    expect(await join(other, await other.evidence())).toMatchObject({ identityClass: 'unverified' });
  });

  it('is never better for the certificate of another TPM', async () => {
    const { endorsementCertificate, endorsementChain } = await tpm.evidence();
    const evidence = { ...(await other.evidence()), endorsementCertificate, endorsementChain };
    expect((await join(other, evidence)).error).toMatchObject({ code: 'enrolment/attestation-refused' });
  });

  it('is never better for an issuer that did not sign', async () => {
    const { endorsementChain } = await other.evidence();
    const answer = await join(tpm, { ...(await tpm.evidence()), endorsementChain });
    expect(answer.identityClass).toBe('unverified');
  });

  it('is not to be had with a forged certificate', async () => {
    const evidence = await tpm.evidence();
    const { endorsementCertificate, endorsementChain } = evidence;
    // By an issuer that nobody knows, as far as one can tell; by the pinned maker, which can be told for certain.
    const leaf = await join(tpm, {
      ...evidence,
      endorsementCertificate: forge(endorsementCertificate ?? ''),
    });
    expect(leaf.identityClass).toBe('unverified');
    await admin.query(`UPDATE devices SET status = 'revoked' WHERE tpm_ek_key IS NOT NULL`);
    const issuer = await join(tpm, { ...evidence, endorsementChain: endorsementChain.map(forge) });
    expect(issuer.error).toMatchObject({ code: 'enrolment/attestation-refused' });
  });

  it('is that of the pinned root its certificate leads to, and is shown with it', async () => {
    const { device, identityClass, status } = await join(tpm, await tpm.evidence());
    expect([identityClass, status]).toEqual(['virtual', 'active']);
    const detail = await installation.api
      .get(DevicesService, { strict: false })
      .get(installation.organisationId, String(device));
    expect(detail.tpm).toMatchObject({
      algorithm: 'rsa2048',
      attestationKeyName: await tpm.attestationKeyName(),
      root: { manufacturer: 'The factory of this test', kind: 'virtual' },
    });
    expect(detail.tpm?.chain.length).toBeGreaterThanOrEqual(2);
    expect(detail.history).toMatchObject([{ kind: 'enrolled', by: 'enrolment token test' }]);
  });
});

/** The same certificate with another signature. */
function forge(certificate: string): string {
  const der = Buffer.from(certificate, 'base64');
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  return der.toString('base64');
}
