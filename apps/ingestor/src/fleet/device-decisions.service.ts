import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { type Alert, type DecideDevice, type DeviceDetail, DeviceStatus } from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { DeviceBootsRepository } from '../enrollment/device-boots.repository.ts';
import { DeviceHistoryRepository } from '../enrollment/device-history.repository.ts';
import { DeviceStandingService } from '../enrollment/device-standing.service.ts';
import type { DeviceRow } from './device.row.ts';
import { DevicesRepository } from './devices.repository.ts';
import { DevicesService } from './devices.service.ts';

type Decision = 'approve' | 'pause' | 'resume';

const FROM: Record<Decision, DeviceStatus> = { approve: 'pending', pause: 'active', resume: 'paused' };
const TO: Record<Decision, DeviceStatus> = { approve: 'active', pause: 'paused', resume: 'active' };
const KIND = { approve: 'approved', pause: 'paused', resume: 'resumed' } as const;

/** What an administrator decides about whether a device may connect. */
@Injectable()
export class DeviceDecisionsService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly devices: DevicesService,
    private readonly repository: DevicesRepository,
    private readonly boots: DeviceBootsRepository,
    private readonly history: DeviceHistoryRepository,
    private readonly standing: DeviceStandingService,
    private readonly audit: AuditRepository,
  ) {}

  approve(caller: Principal, deviceId: string, input: DecideDevice): Promise<DeviceDetail> {
    return this.decide(caller, deviceId, 'approve', input.reason);
  }

  pause(caller: Principal, deviceId: string, input: DecideDevice): Promise<DeviceDetail> {
    return this.decide(caller, deviceId, 'pause', input.reason);
  }

  /** Boots and TPM counters of before do not count any more: somebody has looked which machine it is. */
  resume(caller: Principal, deviceId: string, input: DecideDevice): Promise<DeviceDetail> {
    return this.decide(caller, deviceId, 'resume', input.reason);
  }

  private async decide(
    caller: Principal,
    deviceId: string,
    decision: Decision,
    reason: string,
  ): Promise<DeviceDetail> {
    const organisationId = caller.organisation.id;
    const alerts = await this.database.within(organisationId, async (tx) => {
      const device = await this.devices.requireDevice(tx, deviceId);
      // The row itself decides, so that of two decisions at once one is told that it came too late.
      if (!(await this.repository.decide(tx, deviceId, changeOf(decision, reason, labelOf(caller))))) {
        throw notPossible(decision, device);
      }
      if (decision === 'resume') await this.boots.forget(tx, deviceId);
      await this.history.add(tx, organisationId, deviceId, {
        kind: KIND[decision],
        detail: reason,
        by: labelOf(caller),
      });
      await this.standing.changed(tx, organisationId, deviceId);
      await this.audit.record(tx, organisationId, caller, {
        action: `device.${decision}`,
        target: device.hostname,
        reason,
        before: { id: deviceId, status: FROM[decision] },
        after: { id: deviceId, status: TO[decision] },
      });
      return this.alertsOf(tx, caller, device, decision, reason);
    });
    this.standing.announce(organisationId, alerts);
    return this.devices.get(organisationId, deviceId);
  }

  private alertsOf(
    tx: TenantTransaction,
    caller: Principal,
    device: DeviceRow,
    decision: Decision,
    reason: string,
  ): Promise<Alert[]> {
    if (decision !== 'pause') return this.standing.settle(tx, device.id, labelOf(caller));
    return this.standing.raise(tx, caller.organisation.id, device, {
      kind: 'device/paused',
      severity: 'notice',
      title: `${device.hostname} is paused: ${reason}`,
    });
  }
}

function changeOf(decision: Decision, reason: string, by: string) {
  const change = { from: FROM[decision], to: TO[decision] };
  if (decision === 'pause') return { ...change, pauseReason: reason, pausedAt: new Date() };
  const running = { ...change, pauseReason: null, pausedAt: null };
  if (decision === 'approve') return { ...running, approvedBy: by, approvedAt: new Date() };
  return { ...running, tpmCountsForgotten: true };
}

function notPossible(decision: Decision, { hostname, status }: DeviceRow): RaypherError {
  const now = DeviceStatus.parse(status);
  return new RaypherError(
    'request/conflict',
    `${hostname} is ${now}; one can ${decision} only ${FROM[decision]} devices.`,
    {
      hint: now === 'revoked' ? 'A revoked device has to be enrolled again.' : 'Look at the device again.',
      details: { status: now },
    },
  );
}
