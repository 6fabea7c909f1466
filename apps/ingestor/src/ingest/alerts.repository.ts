import { Injectable } from '@nestjs/common';
import type { PoolClient, QueryResultRow } from 'pg';
import { IngestDatabase } from '../database/ingest-database.ts';

export interface NewAlert {
  organisationId: string;
  /** Null when it is about none in particular. */
  deviceId: string | null;
  kind: string;
  /** With the kind: what there is at most one open alert about. */
  subject: string;
  severity: 'notice' | 'warning' | 'critical';
  title: string;
  /** A JSON object. */
  detail: unknown;
}

/** An alert about several things at once: the worst of them gives it its name. */
export interface WorstAlert extends NewAlert {
  detail: Readonly<Record<string, unknown>>;
  /** Of the thing in the title. */
  badness: number;
  /** How many things it is about; told in `detail` as `worstOf`. */
  count: number;
}

@Injectable()
export class AlertsRepository {
  constructor(private readonly database: IngestDatabase) {}

  /**
   * Opens an alert, or counts another occurrence of the open one.
   *
   * @param client of the transaction that the alert belongs to
   */
  async raise(alert: NewAlert, client?: PoolClient): Promise<string> {
    return this.insert(
      alert,
      'occurrences = alerts.occurrences + 1, last_at = now(), detail = EXCLUDED.detail',
      client,
    );
  }

  /**
   * Opens an alert, or counts more in the open one, which takes the name of what is worse than all before.
   *
   * @param client of the transaction that the alert belongs to
   */
  async raiseWorst(alert: WorstAlert, client?: PoolClient): Promise<string> {
    const { badness, count, detail } = alert;
    const isWorse = `coalesce((alerts.detail ->> 'badness')::int, 0) < (EXCLUDED.detail ->> 'badness')::int`;
    const worse = (column: string) =>
      `CASE WHEN ${isWorse} THEN EXCLUDED.${column} ELSE alerts.${column} END`;
    const counted = `coalesce((alerts.detail ->> 'worstOf')::int, 1) + (EXCLUDED.detail ->> 'worstOf')::int`;
    return this.insert(
      { ...alert, detail: { ...detail, badness, worstOf: count } },
      `occurrences = alerts.occurrences + 1, last_at = now(), severity = ${worse('severity')},
       title = ${worse('title')}, detail = ${worse('detail')} || jsonb_build_object('worstOf', ${counted})`,
      client,
    );
  }

  /** @param again what becomes of the open alert about the same thing */
  private async insert(alert: NewAlert, again: string, client: PoolClient | undefined): Promise<string> {
    const [row] = await this.query<{ id: string }>(
      client,
      `INSERT INTO alerts (organisation_id, device_id, kind, subject, severity, title, detail)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (organisation_id, kind, subject) WHERE resolved_at IS NULL
       DO UPDATE SET ${again} RETURNING id`,
      [
        alert.organisationId,
        alert.deviceId,
        alert.kind,
        alert.subject,
        alert.severity,
        alert.title,
        JSON.stringify(alert.detail),
      ],
    );
    if (row === undefined) throw new Error('an alert was neither inserted nor updated');
    return row.id;
  }

  private async query<Row extends QueryResultRow>(
    client: PoolClient | undefined,
    text: string,
    values: unknown[],
  ): Promise<Row[]> {
    if (client === undefined) return this.database.query<Row>(text, values);
    return (await client.query<Row>(text, values)).rows;
  }
}
