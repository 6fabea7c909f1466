import { Injectable, Logger } from '@nestjs/common';
import type { RaypherError } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { AlertsRepository, type NewAlert } from './alerts.repository.ts';
import { plainJson } from './plain-json.ts';
import { plainText } from './plain-text.ts';

/** Micro-dollars. */
export interface SharedBudget {
  limit: string;
  per: string;
  scope: string;
  /** The team whose document the limit stands in; nil for the organisation's. */
  owner: string;
  subject: string;
  periodStart: string;
  spentMicros: number;
  amountMicros: number;
}

/** Raises alerts about devices whose identity or ledger is not what it should be. */
@Injectable()
export class AlertsService {
  private readonly logger = new Logger('Alerts');

  constructor(
    private readonly repository: AlertsRepository,
    private readonly redis: RedisConnections,
  ) {}

  /** The ledger of a device was broken, forged or cut. */
  ledgerFault(identity: DeviceIdentity, error: RaypherError): Promise<void> {
    return this.raise({
      organisationId: identity.organisationId,
      deviceId: identity.deviceId,
      kind: error.code,
      subject: identity.deviceId,
      severity: 'critical',
      title: `The ledger of ${identity.hostname} cannot be trusted: ${error.message}`,
      detail: error.details ?? {},
    });
  }

  /** Two machines connect in turn with one identity. */
  contestedIdentity(identity: DeviceIdentity, boots: Readonly<Record<string, string>>): Promise<void> {
    return this.raise({
      organisationId: identity.organisationId,
      deviceId: identity.deviceId,
      kind: 'device/cloned',
      subject: identity.deviceId,
      severity: 'critical',
      title: `Two machines use the identity of ${identity.hostname}`,
      detail: boots,
    });
  }

  /** All devices together have reached the threshold of a limit. */
  budgetReached(organisationId: string, reached: SharedBudget): Promise<void> {
    const { limit, per, scope, subject, periodStart, spentMicros, amountMicros } = reached;
    const percent = amountMicros === 0 ? 100 : Math.floor((spentMicros / amountMicros) * 100);
    return this.raise({
      organisationId,
      deviceId: null,
      kind: 'budget/warned',
      subject: JSON.stringify([limit, scope, subject, periodStart]),
      severity: 'warning',
      title: `${percent} % of the limit ${limit} for this ${per} is spent`,
      detail: reached,
    });
  }

  private async raise(alert: NewAlert): Promise<void> {
    try {
      const alertId = await this.repository.raise({
        ...alert,
        title: plainText(alert.title, 500),
        detail: plainJson(alert.detail),
      });
      const message: LiveMessage = { kind: 'alert', organisation: alert.organisationId, alertId };
      this.redis.publish(LIVE_CHANNEL, message);
    } catch (error) {
      this.logger.error({ error, alert }, 'An alert could not be stored');
    }
  }
}
