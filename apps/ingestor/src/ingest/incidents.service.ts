import { Injectable } from '@nestjs/common';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { AlertsRepository, type NewAlert } from './alerts.repository.ts';
import { alertOfEntry } from './entry-alert.ts';
import { type IncidentSighting, incidentSighting } from './incident-sighting.ts';
import {
  IncidentsRepository,
  type IngestTransaction,
  type RecordedIncident,
} from './incidents.repository.ts';
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
      alerts.push({ organisation: alert.organisationId, alertId: await this.alerts.raise(alert, client) });
    }
    return { organisations: new Set(sightings.map((sighting) => sighting.organisation_id)), alerts };
  }

  /** Tells the live views. Lost messages lose nothing but liveliness. */
  announce({ organisations, alerts }: IncidentNews): void {
    for (const organisation of organisations) this.publish({ kind: 'incidents', organisation });
    for (const { organisation, alertId } of alerts) this.publish({ kind: 'alert', organisation, alertId });
  }

  private publish(message: LiveMessage): void {
    if (this.redis.isReady) this.redis.publish(LIVE_CHANNEL, message);
  }
}

/** Two commits that raise the same alerts must not wait for each other. */
function inOneOrder(alerts: readonly NewAlert[]): NewAlert[] {
  const keyOf = ({ organisationId, kind, subject }: NewAlert) => `${organisationId} ${kind} ${subject}`;
  return alerts.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/** New incidents that were blocked or are critical, one alert for each AI agent and host. */
function alertsAbout(incidents: readonly RecordedIncident[]): NewAlert[] {
  const alerts = new Map<string, NewAlert>();
  for (const { id, isNew, sightings } of incidents) {
    const [sighting] = sightings;
    if (!isNew || (sighting.severity !== 'critical' && sighting.outcome !== 'block')) continue;
    // The device first: one that names an AI agent of another must not keep its alerts quiet.
    const subject = [sighting.device_id, sighting.agent_id, sighting.direction, sighting.host].join(' ');
    alerts.set(`${sighting.organisation_id} ${subject}`, {
      organisationId: sighting.organisation_id,
      deviceId: sighting.device_id,
      kind: 'dlp.found',
      subject,
      severity: sighting.severity === 'critical' ? 'critical' : 'warning',
      title: titleOf(sighting),
      detail: { incident: id, outcome: sighting.outcome, classes: sighting.classes },
    });
  }
  return [...alerts.values()];
}

const DONE: Record<IncidentSighting['outcome'], string> = {
  block: 'blocked',
  redact: 'redacted',
  alert: 'passed, recorded',
  prompt: 'a person was asked',
  allow: 'passed',
};

function titleOf({ agent_name, classes, host, direction, outcome }: IncidentSighting): string {
  const what = classes.slice(0, 3).join(', ') || 'sensitive data';
  const way = direction === 'out' ? `sent ${what} to` : `received ${what} from`;
  return `${agent_name.slice(0, 100)} ${way} ${host.slice(0, 200)} (${DONE[outcome]})`.slice(0, 500);
}
