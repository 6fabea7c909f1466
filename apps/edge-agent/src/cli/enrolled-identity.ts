import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { keyName } from '@raypher/shared/attestation';
import type { DeviceStatus, IdentityClass } from '@raypher/shared/rest';
import type { Enrolment } from '../identity/enrolment.ts';
import { certificateValidity } from '../identity/renewal.ts';
import { readTpmIdentity } from '../identity/tpm/tpm-identity.ts';
import type { AgentPaths } from '../service/paths.ts';

/** What this machine is in its organisation, read without touching its key. */
export interface EnrolledIdentity {
  organisation: string;
  device: string;
  server: string;
  /** The control plane's word, the last time it was heard. */
  status: DeviceStatus;
  /** The control plane's word. */
  identityClass: IdentityClass;
  /** Where the key is. */
  key: 'software' | 'tpm';
  /** First 16 hex digits of SHA-256 over the device key's SubjectPublicKeyInfo. */
  keyId: string;
  /** The TPM's name for its attestation key, hex; null without a TPM. */
  attestationKey: string | null;
  certificate: { validFrom: string; expiresAt: string; renewAfter: string };
}

export function enrolledIdentity(enrolment: Enrolment, paths: AgentPaths): EnrolledIdentity {
  const { organisation, device, server, status, identityClass, certificate, renewAfter } = enrolment;
  const { from, to } = certificateValidity(enrolment);
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  const isTpm = existsSync(paths.tpmKey);
  return {
    organisation: organisation.name,
    device,
    server,
    status,
    identityClass,
    key: isTpm ? 'tpm' : 'software',
    keyId: createHash('sha256').update(spki).digest('hex').slice(0, 16),
    attestationKey: isTpm ? keyName(readTpmIdentity(paths.tpmKey).attestationKey).toString('hex') : null,
    certificate: { validFrom: from.toISOString(), expiresAt: to.toISOString(), renewAfter },
  };
}

/** What a status means, for people; empty for one that needs no words. */
export function standing(status: DeviceStatus): string {
  switch (status) {
    case 'active':
      return '';
    case 'pending':
      return 'an administrator has to approve this device, under Devices, before it may connect';
    case 'paused':
      return 'an administrator has to resume or revoke this device, which may have been copied';
    case 'revoked':
      return 'this device was revoked; enrol again with `raypher enroll --replace`';
    default:
      return status satisfies never;
  }
}

/** Where a key is, for people. */
export function keyPlace(key: EnrolledIdentity['key']): string {
  return key === 'tpm' ? 'in the TPM' : 'in a file, which can be copied';
}

/** "3 h ago", "in 5 min"; whole units, the largest that is at least one. */
export function relative(iso: string, now = Date.now()): string {
  const minutes = Math.round((Date.parse(iso) - now) / 60_000);
  const size = Math.abs(minutes);
  const amount =
    size < 60 ? `${size} min` : size < 2880 ? `${Math.floor(size / 60)} h` : `${Math.floor(size / 1440)} d`;
  return minutes < 0 ? `${amount} ago` : `in ${amount}`;
}
