import { readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { DeviceStatus, IdentityClass } from '@raypher/shared/rest';
import { z } from 'zod';
import { isDenied, isMissing } from '../file-fault.ts';
import { writePrivateFile } from './private-file.ts';

export const PolicyKey = z.object({
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** Raw Ed25519 public key, base64. */
  publicKey: z.base64().refine((text) => Buffer.from(text, 'base64').length === 32, 'not 32 bytes'),
});
export type PolicyKey = z.infer<typeof PolicyKey>;

/** What the control plane answers when it issues a certificate. */
export const IssuedCertificate = z.object({
  /** PEM chain: the device's certificate, then the organisation's CA. */
  certificate: z.string().includes('BEGIN CERTIFICATE'),
  /** PEM of the installation's root CA. */
  ca: z.string().includes('BEGIN CERTIFICATE'),
  policyKeys: z.array(PolicyKey).min(1),
  link: z.object({ host: z.string().min(1), port: z.number().int().min(1).max(65535) }),
  renewAfter: z.iso.datetime(),
});
export type IssuedCertificate = z.infer<typeof IssuedCertificate>;

/** Everything this device knows about its membership: `identity/enrolment.json`, 0600. */
export const Enrolment = IssuedCertificate.extend({
  version: z.literal(1),
  /** Origin of the control plane, for example https://raypher.example.com:8443 */
  server: z.url(),
  device: z.uuid(),
  organisation: z.object({ id: z.uuid(), name: z.string() }),
  /** What the control plane said last; an enrolment from before it said so is active. */
  status: DeviceStatus.default('active'),
  /** The control plane's word, not this machine's. */
  identityClass: IdentityClass.default('software'),
  enrolledAt: z.iso.datetime(),
});
export type Enrolment = z.infer<typeof Enrolment>;

/**
 * The stored enrolment; undefined when this machine was never enrolled.
 *
 * @throws RaypherError `process/permission`, `store/corrupt`
 */
export function loadEnrolment(path: string): Enrolment | undefined {
  try {
    return Enrolment.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    if (isDenied(cause)) {
      throw new RaypherError(
        'process/permission',
        `The enrolment at ${path} can only be read by its owner.`,
        {
          hint: 'Run this with sudo.',
          cause,
        },
      );
    }
    // Treating a damaged file as "not enrolled" would quietly take the machine out of the organisation.
    throw new RaypherError('store/corrupt', `The enrolment at ${path} cannot be read.`, {
      hint: 'Enrol again with `raypher enroll --replace` and a fresh token.',
      cause,
    });
  }
}

export function saveEnrolment(path: string, enrolment: Enrolment): void {
  writePrivateFile(path, `${JSON.stringify(enrolment, null, 2)}\n`);
}
