import { Injectable } from '@nestjs/common';
import type { Alert, EnrolRequest } from '@raypher/shared/rest';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { Device, EnrolmentToken } from '../generated/prisma/client.ts';
import type { CertificateRequest } from './certificate-request.ts';
import { DeviceBootsRepository } from './device-boots.repository.ts';
import { DeviceHistoryRepository } from './device-history.repository.ts';
import { DeviceStandingService } from './device-standing.service.ts';
import { EnrolmentRepository, type NewDevice } from './enrolment.repository.ts';
import type { ProvenTpm } from './enrolment.service.ts';
import type { Assessment } from './identity-class.service.ts';

export interface Joining {
  id: string;
  token: EnrolmentToken;
  csr: CertificateRequest;
  facts: EnrolRequest['device'];
  assessment: Assessment;
  tpm: ProvenTpm | undefined;
}

/** Makes a device out of what was proven, and decides whether it may connect. */
@Injectable()
export class NewDeviceService {
  constructor(
    private readonly repository: EnrolmentRepository,
    private readonly history: DeviceHistoryRepository,
    private readonly boots: DeviceBootsRepository,
    private readonly standing: DeviceStandingService,
  ) {}

  async create(
    tx: TenantTransaction,
    joining: Joining,
    bootId: string | undefined,
  ): Promise<{ status: NewDevice['status']; alerts: Alert[] }> {
    const { id, token, facts, assessment, tpm } = joining;
    const { organisationId } = token;
    const twins =
      tpm === undefined ? [] : await this.repository.findByEndorsementKey(tx, organisationId, tpm.evidence);
    const why = twins[0] === undefined ? undefined : cloneOf(twins[0]);
    const status = why !== undefined ? 'paused' : assessment.rule === 'approve' ? 'pending' : 'active';
    await this.repository.createDevice(tx, {
      ...joining,
      organisationId,
      teamId: token.teamId,
      enrolledWith: token.id,
      status,
      pauseReason: why ?? null,
    });
    await this.history.add(tx, organisationId, id, {
      kind: 'enrolled',
      detail: `${facts.hostname} enrolled. ${assessment.reason}`,
      by: `enrolment token ${token.name}`,
    });
    if (bootId !== undefined && bootId !== '') await this.boots.note(tx, organisationId, id, bootId);
    const alerts: Alert[] = [];
    if (why !== undefined) alerts.push(...(await this.suspectAll(tx, joining, twins, why)));
    if (status === 'pending') {
      const title = `${facts.hostname} waits for approval: ${assessment.reason}`;
      alerts.push(
        ...(await this.standing.raise(
          tx,
          organisationId,
          { id, hostname: facts.hostname },
          {
            kind: 'device/pending',
            severity: 'warning',
            title,
          },
        )),
      );
    }
    return { status, alerts };
  }

  /** One TPM, two devices: one of them was cloned, and nobody can tell from here which is the other. */
  private async suspectAll(
    tx: TenantTransaction,
    { id, token, facts }: Joining,
    twins: readonly Device[],
    why: string,
  ): Promise<Alert[]> {
    const { organisationId } = token;
    const itself = { id, hostname: facts.hostname };
    const alerts = await this.standing.suspect(tx, organisationId, itself, why);
    for (const twin of twins) {
      const seen = `${facts.hostname} enrolled with the TPM of this device, but with other keys.`;
      alerts.push(...(await this.standing.suspect(tx, organisationId, twin, seen)));
    }
    return alerts;
  }
}

function cloneOf(twin: Device): string {
  return `${twin.hostname} is enrolled with the same TPM, but with other keys.`;
}
