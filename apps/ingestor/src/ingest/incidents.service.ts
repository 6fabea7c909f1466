import { Injectable } from '@nestjs/common';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { AlertsRepository, type NewAlert, type WorstAlert } from './alerts.repository.ts';
import { alertOfEntry } from './entry-alert.ts';
import { alertsAbout } from './incident-alert.ts';
import { incidentSighting } from './incident-sighting.ts';
import { IncidentsRepository, type IngestTransaction } from './incidents.repository.ts';
import type { FollowedRow } from './placed-batch.ts';

/** What a commit did to incidents, to be told once it is durable. */
export interface IncidentNews {
  organisations: ReadonlySet<string>;
  alerts: readonly { organisation: string; alertId: string }[];
}

export const NO_NEWS: IncidentNews = { organisations: new Set(), alerts: [] };

/**
 * Opens and counts incidents and alerts in the commit of the entries they are about: neither exists without the
 * other.
 */
@Injectable()
export class IncidentsService {
  constructor(
    private readonly repository: IncidentsRepository,
    private readonly alerts: AlertsRepository,
    private readonly redis: RedisConnections,
  ) {}

  async record(
    client: IngestTransaction,
    receivedAt: Date,
    rows: readonly FollowedRow[],
  ): Promise<IncidentNews> {
    const sightings = rows.flatMap((row) => incidentSighting(row) ?? []);
    const said = rows.flatMap((row) => alertOfEntry(row) ?? []);
    if (sightings.length === 0 && said.length === 0) return NO_NEWS;
    const incidents = sightings.length === 0 ? [] : await this.repository.upsert(client, sightings);
    if (incidents.length > 0) await this.repository.addEvents(client, receivedAt, incidents);
    const alerts: { organisation: string; alertId: string }[] = [];
    for (const alert of inOneOrder([...alertsAbout(incidents), ...said])) {
      const alertId = await this.raise(client, alert);
      alerts.push({ organisation: alert.organisationId, alertId });
    }
    return { organisations: new Set(sightings.map((sighting) => sighting.organisation_id)), alerts };
  }

  /** Tells the live views. Lost messages lose nothing but liveliness. */
  announce({ organisations, alerts }: IncidentNews): void {
    for (const organisation of organisations) this.publish({ kind: 'incidents', organisation });
    for (const { organisation, alertId } of alerts) this.publish({ kind: 'alert', organisation, alertId });
  }

  private raise(client: IngestTransaction, alert: NewAlert | WorstAlert): Promise<string> {
    return 'badness' in alert ? this.alerts.raiseWorst(alert, client) : this.alerts.raise(alert, client);
  }

  private publish(message: LiveMessage): void {
    if (this.redis.isReady) this.redis.publish(LIVE_CHANNEL, message);
  }
}

/** Two commits that raise the same alerts must not wait for each other. */
function inOneOrder<A extends NewAlert>(alerts: readonly A[]): A[] {
  const keyOf = ({ organisationId, kind, subject }: NewAlert) => `${organisationId} ${kind} ${subject}`;
  return alerts.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}
