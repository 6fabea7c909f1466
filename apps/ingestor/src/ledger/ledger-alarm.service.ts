import { Injectable, Logger } from '@nestjs/common';
import type { LedgerFault } from '@raypher/shared/rest';
import { AlertsRepository, showAlert } from '../alerts/alerts.repository.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { LogStateRepository } from './log-state.repository.ts';

/** Where the first one is gets an alert; this many are kept to be shown. */
export const MOST_FAULTS = 100;

/** Says loudly that the stored record is not what it was. */
@Injectable()
export class LedgerAlarm {
  private readonly logger = new Logger('Ledger');

  constructor(
    private readonly database: TenantDatabase,
    private readonly state: LogStateRepository,
    private readonly alerts: AlertsRepository,
    private readonly changes: LiveChanges,
  ) {}

  /** @param count of all, when there are more than those given. */
  async raise(
    organisationId: string,
    faults: readonly [LedgerFault, ...LedgerFault[]],
    count: number = faults.length,
  ): Promise<void> {
    const [first] = faults;
    const kept = faults.slice(0, MOST_FAULTS);
    const alert = await this.database.within(organisationId, async (tx) => {
      await this.state.corrupt(tx, organisationId, { at: new Date().toISOString(), count, entries: kept });
      const id = await this.alerts.raiseOnce(tx, organisationId, {
        kind:
          first.code === 'rolled-back' || first.code === 'forked' ? 'ledger.rolled-back' : 'ledger.corrupted',
        subject: 'ledger',
        severity: 'critical',
        title: `The record was changed: ${first.detail}`,
        detail: { count, first },
        deviceId: null,
      });
      const row = id === undefined ? undefined : await this.alerts.find(tx, id);
      return row === undefined ? undefined : showAlert(row);
    });
    if (alert === undefined) return;
    this.logger.error(
      { organisation: organisationId, count, first },
      'The record of an organisation was changed',
    );
    this.changes.emit('alert', organisationId, alert);
  }

  /** The log is about to be signed under another name than this installation remembers, and nobody said so to it. */
  async renamed(
    tx: TenantTransaction,
    organisationId: string,
    detail: { before: string; after: string; note: string },
  ): Promise<void> {
    const { before, after } = detail;
    const id = await this.alerts.raiseOnce(tx, organisationId, {
      kind: 'ledger.renamed',
      subject: after,
      severity: 'critical',
      title: `The record goes on under another name: ${after} instead of ${before}`,
      detail,
      deviceId: null,
    });
    const row = id === undefined ? undefined : await this.alerts.find(tx, id);
    if (row === undefined) return;
    this.logger.error({ organisation: organisationId, before, after }, 'The log has another name');
    this.changes.emit('alert', organisationId, showAlert(row));
  }
}
