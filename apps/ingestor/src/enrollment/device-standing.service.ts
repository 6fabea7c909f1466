import { Injectable } from '@nestjs/common';
import type { Alert } from '@raypher/shared/rest';
import { AlertsRepository, type NewAlert, showAlert } from '../alerts/alerts.repository.ts';
import { AuditRepository, SYSTEM } from '../audit/audit.repository.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { plainText } from '../ingest/plain-text.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { OutboxRepository } from '../outbox/outbox.repository.ts';
import { OutboxRelay } from '../outbox/outbox-relay.service.ts';
import { DeviceHistoryRepository } from './device-history.repository.ts';

/** Alerts about whether a device may connect: closed by the decision about it. */
const STANDING_ALERTS = ['device/pending', 'device/paused', 'device/cloned'];

interface NamedDevice {
  id: string;
  hostname: string;
}

/** Changes whether a device may connect, and tells everybody who has to know. */
@Injectable()
export class DeviceStandingService {
  constructor(
    private readonly history: DeviceHistoryRepository,
    private readonly alerts: AlertsRepository,
    private readonly audit: AuditRepository,
    private readonly outbox: OutboxRepository,
    private readonly relay: OutboxRelay,
    private readonly changes: LiveChanges,
  ) {}

  /**
   * Two machines may be one device: nobody connects as it until an administrator has looked.
   *
   * @param why one sentence
   */
  async suspect(
    tx: TenantTransaction,
    organisationId: string,
    device: NamedDevice,
    why: string,
  ): Promise<Alert[]> {
    for (const status of ['pending', 'active']) {
      const { count } = await tx.device.updateMany({
        where: { id: device.id, status },
        data: { status: 'paused', pauseReason: why, pausedAt: new Date() },
      });
      if (count === 0) continue;
      await this.audit.record(tx, organisationId, SYSTEM, {
        action: 'device.pause',
        target: device.hostname,
        reason: why,
        before: { id: device.id, status },
        after: { id: device.id, status: 'paused' },
      });
    }
    await this.history.add(
      tx,
      organisationId,
      device.id,
      { kind: 'cloned', detail: why },
      { kind: 'paused', detail: why },
    );
    await this.changed(tx, organisationId, device.id);
    return this.raise(tx, organisationId, device, {
      kind: 'device/cloned',
      severity: 'critical',
      title: `${device.hostname} may have a clone: ${why}`,
    });
  }

  /** In the transaction of the change: the link looks again at this device within a second of the commit. */
  changed(tx: TenantTransaction, organisationId: string, deviceId: string): Promise<void> {
    return this.outbox.add(tx, { topic: 'standing', organisation: organisationId, device: deviceId });
  }

  /** @returns the alert when it is new, to be told about after the commit. */
  async raise(
    tx: TenantTransaction,
    organisationId: string,
    device: NamedDevice,
    alert: Pick<NewAlert, 'kind' | 'severity' | 'title'>,
  ): Promise<Alert[]> {
    const id = await this.alerts.raiseOnce(tx, organisationId, {
      ...alert,
      title: plainText(alert.title, 500),
      subject: device.id,
      detail: {},
      deviceId: device.id,
    });
    const row = id === undefined ? undefined : await this.alerts.find(tx, id);
    return row === undefined ? [] : [showAlert(row)];
  }

  /** Closes what was open about the standing of a device, because somebody has decided. */
  async settle(tx: TenantTransaction, deviceId: string, decidedBy: string): Promise<Alert[]> {
    const open = await tx.alert.findMany({
      where: { subject: deviceId, kind: { in: STANDING_ALERTS }, resolvedAt: null },
      select: { id: true },
    });
    const closed: Alert[] = [];
    for (const { id } of open) {
      await this.alerts.resolve(tx, id, decidedBy);
      const row = await this.alerts.find(tx, id);
      if (row !== undefined) closed.push(showAlert(row));
    }
    return closed;
  }

  /** After the commit. */
  announce(organisationId: string, alerts: readonly Alert[] = []): void {
    this.relay.look();
    this.changes.announce(organisationId, 'devices', 'audit');
    for (const alert of alerts) this.changes.emit('alert', organisationId, alert);
  }
}
