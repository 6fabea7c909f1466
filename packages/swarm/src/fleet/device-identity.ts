import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { EnrolRequest, EnrolResponse } from '@raypher/shared/rest';
import { certificateRequest } from '../enrolment/certificate-request.ts';
import type { ControlPlane } from '../enrolment/control-plane.ts';

/** Version that simulated devices report. */
export const SIMULATED_VERSION = '0.1.0-simulated';

/** What an enrolled device knows about its membership. */
export interface DeviceIdentity {
  /** `sim-0001` */
  hostname: string;
  device: string;
  organisation: string;
  keyPem: string;
  /** PEM chain, leaf first. */
  certificate: string;
  renewAfterMs: number;
  /** Ed25519 public keys (raw, base64) that may sign this organisation's bundles. */
  policyKeys: EnrolResponse['policyKeys'];
  link: { host: string; port: number };
}

/** `sim-0001`: nobody may take one for a real machine. */
export function hostnameOf(index: number): string {
  return `sim-${String(index + 1).padStart(4, '0')}`;
}

/** Enrols one simulated device with a fresh P-256 key. */
export async function enrolDevice(
  controlPlane: ControlPlane,
  hostname: string,
  machineId: string,
): Promise<DeviceIdentity> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issued = await controlPlane.enrol(await certificateRequest(privateKey, hostname), {
    ...SIMULATED_MACHINE,
    hostname,
    machineId,
    agentVersion: SIMULATED_VERSION,
    identityClass: 'software',
    simulated: true,
  });
  return {
    hostname,
    device: issued.device,
    organisation: issued.organisation.id,
    keyPem: pemOf(privateKey),
    certificate: issued.certificate,
    renewAfterMs: Date.parse(issued.renewAfter),
    policyKeys: issued.policyKeys,
    link: issued.link,
  };
}

/** The same device with a certificate for another day. */
export async function renewIdentity(
  controlPlane: ControlPlane,
  identity: DeviceIdentity,
): Promise<DeviceIdentity> {
  const csr = await certificateRequest(createPrivateKey(identity.keyPem), identity.hostname);
  const issued = await controlPlane.renew(csr, identity);
  return { ...identity, certificate: issued.certificate, renewAfterMs: Date.parse(issued.renewAfter) };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The facts of a machine that every simulated device reports. */
export const SIMULATED_MACHINE = {
  os: 'Linux (simulated)',
  kernel: '6.12.0-simulated',
  arch: 'x64',
} as const satisfies Pick<EnrolRequest['device'], 'os' | 'kernel' | 'arch'>;
