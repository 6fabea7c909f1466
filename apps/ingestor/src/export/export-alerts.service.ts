import { Injectable } from '@nestjs/common';
import { AlertsRepository, showAlert } from '../alerts/alerts.repository.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { ExportDestination } from '../generated/prisma/client.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { LogReaderRepository } from './log-reader.repository.ts';

const KIND = 'export.failing';

/** Says when a SIEM gets nothing any more, once, and takes it back when it does again. */
@Injectable()
export class ExportAlerts {
  constructor(
    private readonly alerts: AlertsRepository,
    private readonly log: LogReaderRepository,
    private readonly changes: LiveChanges,
  ) {}

  /** @param words what the receiver said, without secrets */
  async raise(
    tx: TenantTransaction,
    destination: ExportDestination,
    words: string,
    since: Date,
  ): Promise<void> {
    const { id, name, kind, organisationId } = destination;
    const cursor = await tx.exportCursor.findUnique({ where: { destinationId: id } });
    const behind = Number((await this.log.end(tx)) - (cursor?.nextIndex ?? 0n));
    const alertId = await this.alerts.raiseOnce(tx, organisationId, {
      kind: KIND,
      subject: id,
      severity: 'warning',
      title: `${name} gets no events: ${words}`.slice(0, 300),
      detail: { destination: name, kind, since: since.toISOString(), behind, failure: words },
      deviceId: null,
    });
    const row = alertId === undefined ? undefined : await this.alerts.find(tx, alertId);
    if (row !== undefined) this.changes.emit('alert', organisationId, showAlert(row));
  }

  async close(tx: TenantTransaction, destinationId: string): Promise<void> {
    await tx.alert.updateMany({
      where: { kind: KIND, subject: destinationId, resolvedAt: null },
      data: { resolvedAt: new Date(), resolvedBy: 'Raypher' },
    });
  }
}
