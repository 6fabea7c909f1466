import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { EnrolRequest, EnrolResponse } from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { EnrolmentToken } from '../generated/prisma/client.ts';
import { plainText } from '../ingest/plain-text.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { type CertificateRequest, readCertificateRequest } from './certificate-request.ts';
import { DeviceCertificatesService } from './device-certificates.service.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';
import { TokenService } from './token.service.ts';

@Injectable()
export class EnrolmentService {
  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly tokens: TokenService,
    private readonly certificates: DeviceCertificatesService,
    private readonly keys: OrganisationKeysService,
    private readonly repository: EnrolmentRepository,
    private readonly audit: AuditRepository,
    private readonly database: TenantDatabase,
  ) {}

  /**
   * Turns a token and a key into a device. Token use, device, ledger head, certificate and audit entry
   * are one transaction: either all of them exist or none.
   *
   * @param host the name under which the device reached us.
   */
  async enrol(request: EnrolRequest, host: string): Promise<EnrolResponse> {
    const token = await this.tokens.resolve(request.token);
    const csr = await readCertificateRequest(request.csr);
    const { organisationId } = token;
    return this.database.within(organisationId, async (tx) => {
      const deviceId =
        (await this.repeatedDevice(tx, token, csr)) ?? (await this.createDevice(tx, token, csr, request));
      const issued = await this.certificates.issue(tx, organisationId, deviceId, csr.publicKey);
      const policyKeys = await this.keys.policyKeys(tx, organisationId);
      return {
        device: deviceId,
        organisation: {
          id: organisationId,
          name: await this.repository.organisationName(tx, organisationId),
        },
        ...issued,
        policyKeys: policyKeys.map((key) => ({
          keyId: key.keyId,
          publicKey: key.publicKey.toString('base64'),
        })),
        link: { host: this.linkHost(host), port: this.config.linkPort },
      };
    });
  }

  /**
   * A device that lost our answer asks again with the same key and token: it gets the same identity
   * without taking another use.
   */
  private async repeatedDevice(
    tx: TenantTransaction,
    token: EnrolmentToken,
    csr: CertificateRequest,
  ): Promise<string | undefined> {
    const existing = await this.repository.findActiveByKey(tx, token.organisationId, csr.keyFingerprint);
    if (existing === null) return undefined;
    if (
      existing.enrolledWith === token.id &&
      token.revokedAt === null &&
      token.expiresAt.getTime() > Date.now()
    ) {
      return existing.id;
    }
    throw new RaypherError('enrolment/already-enrolled', 'A device with this key is enrolled already.', {
      hint: 'Renew its certificate, or revoke that device first.',
      details: { device: existing.id },
    });
  }

  private async createDevice(
    tx: TenantTransaction,
    token: EnrolmentToken,
    csr: CertificateRequest,
    request: EnrolRequest,
  ): Promise<string> {
    await this.tokens.takeUse(tx, token.id);
    const { organisationId, teamId } = token;
    const id = randomUUID();
    const facts = plainFacts(request.device);
    await this.repository.createDevice(tx, {
      id,
      organisationId,
      teamId,
      enrolledWith: token.id,
      keyFingerprint: csr.keyFingerprint,
      facts,
    });
    await this.audit.record(
      tx,
      organisationId,
      { kind: 'system', id: token.id, name: `enrolment token ${token.name}` },
      { action: 'device.enrol', target: facts.hostname, after: { device: id, ...facts } },
    );
    return id;
  }

  private linkHost(host: string): string {
    if (this.config.linkHost !== undefined) return this.config.linkHost;
    return this.config.publicHosts.includes(host) ? host : (this.config.publicHosts[0] ?? 'localhost');
  }
}

/** As the link takes what a device says about itself: nothing in it may disguise what is shown. */
function plainFacts(facts: EnrolRequest['device']): EnrolRequest['device'] {
  return {
    ...facts,
    hostname: plainText(facts.hostname, 255),
    os: plainText(facts.os, 100),
    kernel: plainText(facts.kernel, 200),
    arch: plainText(facts.arch, 32),
    agentVersion: plainText(facts.agentVersion, 64),
    machineId: plainText(facts.machineId, 128),
  };
}
