import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import type { IncidentSighting } from './incident-sighting.ts';

/** Connection of a transaction of the link side. */
export type IngestTransaction = PoolClient;

/** An incident that was opened, or happened again. */
export interface RecordedIncident {
  id: string;
  isNew: boolean;
  /** With those of this commit. */
  occurrences: number;
  /** Of this commit, in the order of arrival; at least one. */
  sightings: [IncidentSighting, ...IncidentSighting[]];
}

/** Occurrences of one incident that are kept by number; of more, only those with samples, which are erased by it. */
const MOST_EVENTS = 1_000;

@Injectable()
export class IncidentsRepository {
  /** Opens or counts incidents, in one order so that two micro-batches never wait for each other. */
  async upsert(
    client: IngestTransaction,
    sightings: readonly IncidentSighting[],
  ): Promise<RecordedIncident[]> {
    const groups = new Map<string, [IncidentSighting, ...IncidentSighting[]]>();
    for (const sighting of sightings) {
      const group = groups.get(sighting.fingerprint);
      if (group === undefined) groups.set(sighting.fingerprint, [sighting]);
      else group.push(sighting);
    }
    const lines = [...groups.values()].map((group) => ({ ...group[0], ...summary(group) }));
    const { rows } = await client.query<{
      id: string;
      fingerprint: string;
      occurrences: number;
      is_new: boolean;
    }>(
      `INSERT INTO incidents AS i (organisation_id, device_id, fingerprint, actor_kind, agent_id, agent_name, user_name,
         direction, host, provider, model, classes, detectors, places, outcome, would_block, severity, findings,
         occurrences, first_at, last_at, last_seq)
       SELECT organisation_id, device_id, decode(fingerprint, 'hex'), actor_kind, agent_id, agent_name, user_name,
         direction, host, provider, model, classes, detectors, places, outcome, would_block, severity, findings,
         occurrences, first_at, last_at, last_seq
         FROM jsonb_to_recordset($1::jsonb) AS n (organisation_id uuid, device_id uuid, fingerprint text, actor_kind text,
           agent_id text, agent_name text, user_name text, direction text, host text, provider text, model text,
           classes text[], detectors text[], places text[], outcome text, would_block boolean, severity text,
           findings integer, occurrences integer, first_at timestamptz, last_at timestamptz, last_seq bigint)
        ORDER BY fingerprint
       ON CONFLICT (organisation_id, fingerprint) WHERE status <> 'resolved' DO UPDATE SET
         occurrences = i.occurrences + EXCLUDED.occurrences,
         findings = greatest(i.findings, EXCLUDED.findings),
         would_block = i.would_block OR EXCLUDED.would_block,
         places = EXCLUDED.places, last_at = greatest(i.last_at, EXCLUDED.last_at), last_seq = EXCLUDED.last_seq
       RETURNING i.id, encode(i.fingerprint, 'hex') AS fingerprint, i.occurrences, i.xmax = 0 AS is_new`,
      [JSON.stringify(lines)],
    );
    return rows.flatMap(({ id, fingerprint, occurrences, is_new }) => {
      const group = groups.get(fingerprint);
      return group === undefined ? [] : [{ id, isNew: is_new, occurrences, sightings: group }];
    });
  }

  /** Remembers which entries the incidents are about. */
  async addEvents(
    client: IngestTransaction,
    receivedAt: Date,
    incidents: readonly RecordedIncident[],
  ): Promise<void> {
    const events = incidents.flatMap(({ id, occurrences, sightings }) => {
      const before = occurrences - sightings.length;
      return sightings
        .filter(({ had_private }, at) => had_private || before + at < MOST_EVENTS)
        .map((sighting) => ({ ...sighting, incident_id: id }));
    });
    if (events.length === 0) return;
    await client.query(
      `INSERT INTO incident_events (organisation_id, incident_id, device_id, seq, occurred_at, received_at, had_private)
       SELECT organisation_id, incident_id, device_id, seq, occurred_at, $2, had_private
         FROM jsonb_to_recordset($1::jsonb) AS n (organisation_id uuid, incident_id uuid, device_id uuid, seq bigint,
           occurred_at timestamptz, had_private boolean)`,
      [JSON.stringify(events), receivedAt],
    );
  }
}

function summary(group: readonly [IncidentSighting, ...IncidentSighting[]]) {
  // ISO times of one zone sort as text.
  const times = group.map(({ occurred_at }) => occurred_at).sort();
  return {
    findings: Math.max(...group.map(({ findings }) => findings)),
    occurrences: group.length,
    would_block: group.some(({ would_block }) => would_block),
    first_at: times[0],
    last_at: times.at(-1),
    last_seq: group.at(-1)?.seq,
  };
}
