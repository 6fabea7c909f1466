import { createHash } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { Injectable } from '@nestjs/common';
import { parseDeviceUri, RaypherError } from '@raypher/shared';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import type { Device } from '../generated/prisma/client.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';

/** Whether it has ended counts, or only whether it ended so long ago that it may not even be renewed. */
type CertificateUse = 'as-device' | 'renewal';

/**
 * A laptop that slept over its certificate's end may still renew for this long: it proves the same key,
 * and revocation is looked up here, not in the certificate.
 */
const GRACE_MS: Record<CertificateUse, number> = { 'as-device': 0, renewal: 30 * 24 * 60 * 60 * 1000 };

/** Which device is at the other end of a TLS connection. */
@Injectable()
export class DevicePeerService {
  constructor(
    private readonly repository: EnrolmentRepository,
    private readonly database: TenantDatabase,
  ) {}

  /**
   * @param peer the certificate whose key the TLS handshake has proven.
   * @throws RaypherError `device/certificate-*`, `device/revoked`
   */
  async identify(peer: PeerCertificate, use: CertificateUse): Promise<Device> {
    const named = deviceOf(peer);
    if (named === undefined) throw unknownCertificate();
    const fingerprint = createHash('sha256').update(peer.raw).digest();
    return this.database.within(named.organisation, async (tx) => {
      const certificate = await this.repository.findCertificate(tx, fingerprint);
      if (certificate === null || certificate.deviceId !== named.device) throw unknownCertificate();
      const device = await this.repository.findDevice(tx, named.organisation, named.device);
      if (device === null) throw unknownCertificate();
      if (device.status === 'revoked' || certificate.revokedAt !== null) throw revokedDevice();
      if (certificate.notAfter.getTime() + GRACE_MS[use] < Date.now()) throw expiredCertificate(use);
      return device;
    });
  }

  /** Works on an identified device that nobody else changes meanwhile. */
  within<T>(device: Device, work: (tx: TenantTransaction, device: Device) => Promise<T>): Promise<T> {
    return this.database.within(device.organisationId, async (tx) => {
      const now = await this.repository.lockDevice(tx, device.organisationId, device.id);
      if (now === null || now.status === 'revoked') throw revokedDevice();
      return work(tx, now);
    });
  }
}

/** @throws RaypherError `device/pending`, `device/paused`, `device/revoked` */
export function assertActive(device: Device): void {
  switch (device.status) {
    case 'active':
      return;
    case 'pending':
      throw new RaypherError('device/pending', 'This device waits for the approval of an administrator.', {
        hint: 'Approve it in the console under Devices.',
      });
    case 'paused':
      throw pausedDevice();
    default:
      throw revokedDevice();
  }
}

export function pausedDevice(): RaypherError {
  return new RaypherError('device/paused', 'This device was paused.', {
    hint: 'An administrator must look at it in the console, and resume or revoke it.',
  });
}

function revokedDevice(): RaypherError {
  return new RaypherError('device/revoked', 'This device was revoked.', {
    hint: 'An administrator must enrol it again.',
  });
}

/** Only a hint where to look: what the certificate may do follows from its row, found by fingerprint. */
function deviceOf(peer: PeerCertificate) {
  const [only, ...more] = (peer.subjectaltname ?? '').split(', ');
  if (only === undefined || more.length > 0 || !only.startsWith('URI:')) return undefined;
  return parseDeviceUri(only.slice('URI:'.length));
}

function expiredCertificate(use: CertificateUse): RaypherError {
  if (use === 'renewal') {
    return new RaypherError('device/certificate-expired', 'This certificate expired too long ago.', {
      hint: 'Enrol the device again.',
    });
  }
  return new RaypherError(
    'device/certificate-expired',
    'This certificate has expired; it can only be renewed.',
    {
      hint: 'Start Raypher on the device and let it renew, or revoke the device in the console.',
    },
  );
}

function unknownCertificate(): RaypherError {
  return new RaypherError('device/certificate-unknown', 'This certificate was not issued here.', {
    hint: 'Enrol the device again.',
  });
}
