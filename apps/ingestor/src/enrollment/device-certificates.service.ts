import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type * as x509 from '@peculiar/x509';
import { DeviceId, OrganisationId } from '@raypher/shared';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { DEVICE_CERTIFICATE_MS, issueDeviceCertificate, toPem } from '../keys/certificates.ts';
import { InstallationAuthority } from '../keys/installation-authority.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { AttemptLimiter } from './attempt-limiter.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';

export interface Issued {
  /** PEM: device, then organisation. */
  certificate: string;
  /** PEM of the root. */
  ca: string;
  /** ISO, UTC: after two thirds of the certificate's life. */
  renewAfter: string;
}

/** Issues certificates to devices and remembers each by its fingerprint. */
@Injectable()
export class DeviceCertificatesService {
  /** Every certificate is a row for good, and a device needs one a day. */
  private readonly issues = new AttemptLimiter({ burst: 10, perSecond: 1 / 300 });

  constructor(
    private readonly keys: OrganisationKeysService,
    private readonly installation: InstallationAuthority,
    private readonly repository: EnrolmentRepository,
  ) {}

  /** @throws RaypherError `request/rate-limited` when the device was given too many just now. */
  async issue(
    tx: TenantTransaction,
    organisationId: string,
    deviceId: string,
    publicKey: x509.PublicKey,
  ): Promise<Issued> {
    this.issues.check(deviceId);
    this.issues.spend(deviceId);
    const organisation = OrganisationId.parse(organisationId);
    const authority = await this.keys.deviceAuthority(organisation, tx);
    const leaf = await issueDeviceCertificate(authority, organisation, DeviceId.parse(deviceId), publicKey);
    await this.repository.recordCertificate(tx, organisation, deviceId, {
      fingerprint: createHash('sha256').update(Buffer.from(leaf.rawData)).digest(),
      serial: leaf.serialNumber,
      notBefore: leaf.notBefore,
      notAfter: leaf.notAfter,
    });
    return {
      certificate: toPem(leaf) + toPem(authority.certificate),
      ca: this.installation.rootPem,
      renewAfter: new Date(leaf.notAfter.getTime() - DEVICE_CERTIFICATE_MS / 3).toISOString(),
    };
  }
}
