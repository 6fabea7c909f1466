import { Injectable } from '@nestjs/common';
import { AlertsRepository, showAlert } from '../alerts/alerts.repository.ts';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { PresenceReader } from '../fleet/presence.reader.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { SilentDevicesRepository } from './silent-devices.repository.ts';

/** Raises an alert for each device that should be there and is not, and closes it when it is back. */
@Injectable()
export class SilentDevices {
  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly database: TenantDatabase,
    private readonly presence: PresenceReader,
    private readonly redis: RedisConnections,
    private readonly silent: SilentDevicesRepository,
    private readonly alerts: AlertsRepository,
    private readonly changes: LiveChanges,
  ) {}

  /** @returns how many alerts were raised. */
  async run(): Promise<number> {
    // Without presence everybody looks silent; better to say nothing than to cry wolf.
    if (!this.redis.isReady) return 0;
    let raised = 0;
    for (const organisationId of await this.crossTenant.organisationIds()) {
      const connected = [...(await this.presence.connected(organisationId)).keys()];
      const alerts = await this.database.within(organisationId, async (tx) => {
        const silent = await this.silent.find(tx, connected);
        await this.silent.closeReturned(
          tx,
          silent.map(({ id }) => id),
        );
        await this.silent.forgetPublished(tx);
        const opened = [];
        for (const { id, hostname, lastSeenAt } of silent) {
          const alertId = await this.alerts.raiseOnce(tx, organisationId, {
            kind: 'device.silent',
            subject: id,
            severity: 'warning',
            title: `${hostname} has gone silent`,
            detail: { lastSeenAt: lastSeenAt.toISOString() },
            deviceId: id,
          });
          const row = alertId === undefined ? undefined : await this.alerts.find(tx, alertId);
          if (row !== undefined) opened.push(showAlert(row));
        }
        return opened;
      });
      for (const alert of alerts) this.changes.emit('alert', organisationId, alert);
      raised += alerts.length;
    }
    return raised;
  }
}
