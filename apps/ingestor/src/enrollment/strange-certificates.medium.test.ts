import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { parsePublicKey } from '@raypher/shared/attestation';
import { ControlPlane, enrolWithTpm, SimulatedTpm } from '@raypher/swarm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DevicesService } from '../fleet/devices.service.ts';
import { Installation } from '../testing/installation.ts';
import { MEMBER_FACTS } from '../testing/tpm-member.ts';

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});

afterAll(() => installation?.stop());

/** A TPM with a certificate that somebody made for it. */
async function certified(subject: string, serialNumber: string): Promise<SimulatedTpm> {
  const tpm = new SimulatedTpm();
  const evidence = tpm.evidence();
  const key = parsePublicKey(Buffer.from(evidence.endorsementKey, 'base64'));
  const issuer = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber,
    subject: [{ CN: [subject] }],
    issuer: [{ CN: [subject] }],
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
    publicKey: new x509.PublicKey(key.export({ format: 'der', type: 'spki' })),
    signingKey: issuer.privateKey,
    signingAlgorithm: SIGNING,
  });
  const endorsementCertificate = Buffer.from(certificate.rawData).toString('base64');
  tpm.evidence = () => ({ ...evidence, endorsementCertificate });
  return tpm;
}

async function enrol(tpm: SimulatedTpm) {
  const server = new URL(`https://localhost:${installation.tlsPort}`);
  const controlPlane = await ControlPlane.reach(server, await installation.createToken());
  try {
    const { device, identityClass } = await enrolWithTpm(controlPlane, tpm, MEMBER_FACTS);
    const devices = installation.api.get(DevicesService, { strict: false });
    return { identityClass, detail: await devices.get(installation.organisationId, device) };
  } finally {
    await controlPlane.close();
  }
}

it.each([
  ['text that is shown backwards', 'Infineon\u202e\u2066elpmaxe'],
  ['a zero byte, and several lines', 'Infineon\u0000\nO=Trusted'],
])('names in a certificate disguise nothing: %s', async (_what, subject) => {
  const { identityClass, detail } = await enrol(await certified(subject, '01'));
  expect(identityClass).toBe('unverified');
  const shown = JSON.stringify([detail.identityReason, detail.tpm?.chain, detail.history]);
  expect(shown).toContain('Infineon');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(shown).not.toMatch(/[\u0000-\u0008\u202a-\u202e\u2066-\u2069]/u);
});

it.each([
  ['negative', 'ff'],
  ['of forty bytes', '7f'.repeat(40)],
  ['zero', '00'],
])('a serial number that is %s makes no difference', async (_what, serialNumber) => {
  const { identityClass } = await enrol(await certified('A maker', serialNumber));
  expect(identityClass).toBe('unverified');
});
