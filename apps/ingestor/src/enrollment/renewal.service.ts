import { createHash, timingSafeEqual } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { Injectable } from '@nestjs/common';
import { parseDeviceUri, RaypherError } from '@raypher/shared';
import { TenantDatabase } from '../database/tenant-database.ts';
import { readCertificateRequest } from './certificate-request.ts';
import { DeviceCertificatesService, type Issued } from './device-certificates.service.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';

/**
 * A laptop that slept over its certificate's end may still renew for this long: it proves the same key,
 * and revocation is looked up here, not in the certificate.
 */
const GRACE_MS = 30 * 24 * 60 * 60 * 1000;

@Injectable()
export class RenewalService {
  constructor(
    private readonly certificates: DeviceCertificatesService,
    private readonly repository: EnrolmentRepository,
    private readonly database: TenantDatabase,
  ) {}

  /**
   * @param peer the certificate whose key the TLS handshake has proven.
   * @throws RaypherError `device/*` when it is not one that may be renewed.
   */
  async renew(peer: PeerCertificate, csr: string): Promise<Issued> {
    const named = deviceOf(peer);
    if (named === undefined) throw unknownCertificate();
    const request = await readCertificateRequest(csr);
    const fingerprint = createHash('sha256').update(peer.raw).digest();
    return this.database.within(named.organisation, async (tx) => {
      const certificate = await this.repository.findCertificate(tx, fingerprint);
      if (certificate === null || certificate.deviceId !== named.device) throw unknownCertificate();
      const device = await this.repository.findDevice(tx, named.organisation, named.device);
      if (device === null) throw unknownCertificate();
      if (device.status !== 'active' || certificate.revokedAt !== null) {
        throw new RaypherError('device/revoked', 'This device was revoked.', {
          hint: 'An administrator must enrol it again.',
        });
      }
      if (certificate.notAfter.getTime() + GRACE_MS < Date.now()) {
        throw new RaypherError('device/certificate-expired', 'This certificate expired too long ago.', {
          hint: 'Enrol the device again.',
        });
      }
      if (!timingSafeEqual(request.keyFingerprint, Buffer.from(device.keyFingerprint))) {
        throw new RaypherError('device/identity-mismatch', 'A renewal must keep the key of the device.', {
          hint: 'Enrol again to change the key.',
        });
      }
      return this.certificates.issue(tx, named.organisation, named.device, request.publicKey);
    });
  }
}

/** Only a hint where to look: what the certificate may do follows from its row, found by fingerprint. */
function deviceOf(peer: PeerCertificate) {
  const [only, ...more] = (peer.subjectaltname ?? '').split(', ');
  if (only === undefined || more.length > 0 || !only.startsWith('URI:')) return undefined;
  return parseDeviceUri(only.slice('URI:'.length));
}

function unknownCertificate(): RaypherError {
  return new RaypherError('device/certificate-unknown', 'This certificate was not issued here.', {
    hint: 'Enrol the device again.',
  });
}
