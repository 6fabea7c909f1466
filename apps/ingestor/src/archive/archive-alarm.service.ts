import { Injectable, Logger } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { AlertsRepository, type NewAlert, showAlert } from '../alerts/alerts.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { ArchiveCursorsRepository, type ArchiveState } from './archive-cursors.repository.ts';

/** A destination that fails for so long is told to people, milliseconds. */
const PATIENCE_MS = 6 * 60 * 60_000;

/** Tells people when the archive is not what it should be. */
@Injectable()
export class ArchiveAlarm {
  private readonly logger = new Logger('Archive');
  private readonly failingSince = new Map<string, number>();

  constructor(
    private readonly database: TenantDatabase,
    private readonly cursors: ArchiveCursorsRepository,
    private readonly alerts: AlertsRepository,
    private readonly changes: LiveChanges,
  ) {}

  /** An error of a run: keeps it with the archive's state, and alerts where a person is needed. */
  async failed(organisationId: string, error: unknown, now = Date.now()): Promise<void> {
    const code = error instanceof RaypherError ? error.code : 'internal/unexpected';
    const message =
      error instanceof RaypherError ? error.message : 'The archive failed for an unexpected reason.';
    this.logger.warn(`The archive of ${organisationId}: ${code}: ${message}`);
    const since = this.failingSince.get(organisationId) ?? now;
    this.failingSince.set(organisationId, since);
    const state = stateOf(code);
    if (state !== undefined) await this.setState(organisationId, state, message);
    const details = error instanceof RaypherError ? (error.details ?? {}) : {};
    if (code === 'archive/conflict') {
      await this.raise(organisationId, {
        kind: 'archive.conflict',
        subject: 'archive',
        severity: 'critical',
        title: message,
        detail: details,
        deviceId: null,
      });
    } else if (code === 'archive/corrupted') {
      await this.raise(organisationId, {
        kind: 'archive.corrupted',
        subject: 'archive',
        severity: 'critical',
        title: message,
        detail: details,
        deviceId: null,
      });
    } else if (code === 'archive/refused' || now - since >= PATIENCE_MS) {
      await this.raise(organisationId, {
        kind: 'archive.stopped',
        subject: 'archive',
        severity: 'warning',
        title: `Nothing is archived: ${message}`,
        detail: details,
        deviceId: null,
      });
    }
  }

  /** It works. A conflict or a wrong archive is only over when everything was verified. */
  async works(organisationId: string, verified = false): Promise<void> {
    this.failingSince.delete(organisationId);
    const kinds = verified
      ? ['archive.stopped', 'archive.conflict', 'archive.corrupted']
      : ['archive.stopped'];
    await this.database.within(organisationId, async (tx) => {
      const cursor = await this.cursors.find(tx, organisationId);
      if (verified || cursor?.state === 'unreachable') {
        await this.cursors.change(tx, organisationId, { state: 'ok', problem: null });
      }
      await tx.alert.updateMany({
        where: { kind: { in: kinds }, resolvedAt: null },
        data: { resolvedAt: new Date(), resolvedBy: 'Raypher' },
      });
    });
  }

  async raise(organisationId: string, alert: NewAlert): Promise<void> {
    const opened = await this.database.within(organisationId, async (tx) => {
      const id = await this.alerts.raiseOnce(tx, organisationId, alert);
      return id === undefined ? undefined : this.alerts.find(tx, id);
    });
    if (opened !== undefined) this.changes.emit('alert', organisationId, showAlert(opened));
  }

  private async setState(organisationId: string, state: ArchiveState, problem: string): Promise<void> {
    await this.database.within(organisationId, async (tx) => {
      const cursor = await this.cursors.find(tx, organisationId);
      const isWorse = cursor?.state === 'conflict' || cursor?.state === 'corrupted';
      if (isWorse && state === 'unreachable') return;
      await this.cursors.change(tx, organisationId, { state, problem });
    });
  }
}

function stateOf(code: string): ArchiveState | undefined {
  switch (code) {
    case 'archive/conflict':
      return 'conflict';
    case 'archive/corrupted':
      return 'corrupted';
    case 'archive/unreachable':
    case 'archive/refused':
      return 'unreachable';
    default:
      return undefined;
  }
}
