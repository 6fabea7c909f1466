import { Injectable } from '@nestjs/common';
import { type ListedException, listExceptions, parsePolicy } from '@raypher/policy';
import { PolicyDocuments } from '@raypher/shared/rest';
import { AlertsRepository, showAlert } from '../alerts/alerts.repository.ts';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { PoliciesRepository } from '../policies/policies.repository.ts';

/** How long before its end an exception is spoken of, milliseconds. */
const NOTICE_MS = 3 * 86_400_000;

/** Raises an alert for each exception of the running policy that is about to end, so that nobody meets a ban unawares. */
@Injectable()
export class ExpiringExceptions {
  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly database: TenantDatabase,
    private readonly policies: PoliciesRepository,
    private readonly alerts: AlertsRepository,
    private readonly changes: LiveChanges,
  ) {}

  /**
   * @param now milliseconds since 1970
   * @returns how many alerts were raised.
   */
  async run(now = Date.now()): Promise<number> {
    let raised = 0;
    for (const organisationId of await this.crossTenant.organisationIds()) {
      const opened = await this.database.within(organisationId, async (tx) => {
        const alerts = [];
        for (const { subject, exception } of await this.ending(tx, now)) {
          const { id, owner, reason, expires, rules } = exception;
          const alertId = await this.alerts.raiseOnce(tx, organisationId, {
            kind: 'policy.exception-ends',
            subject,
            severity: 'warning',
            title: `Exception ${id} ends on ${expires.slice(0, 10)}`,
            detail: { exception: id, owner, reason, expires, rules },
            deviceId: null,
          });
          const row = alertId === undefined ? undefined : await this.alerts.find(tx, alertId);
          if (row !== undefined) alerts.push(showAlert(row));
        }
        return alerts;
      });
      for (const alert of opened) this.changes.emit('alert', organisationId, alert);
      raised += opened.length;
    }
    return raised;
  }

  private async ending(
    tx: TenantTransaction,
    now: number,
  ): Promise<{ subject: string; exception: ListedException }[]> {
    const running = await this.policies.running(tx);
    if (running === null) return [];
    return PolicyDocuments.parse(running.documents).flatMap(({ layer, team, source }) => {
      const parsed = parsePolicy(source, { layer });
      if (!parsed.ok) return [];
      return (
        listExceptions([parsed], now)
          .filter(({ expires }) => isEnding(Date.parse(expires), now))
          // One that was prolonged ends anew, and is spoken of anew.
          .map((exception) => ({
            subject: `${team ?? layer}/${exception.id} ${exception.expires}`,
            exception,
          }))
      );
    });
  }
}

function isEnding(expires: number, now: number): boolean {
  return expires > now && expires - now <= NOTICE_MS;
}
