import { Injectable } from '@nestjs/common';
import { TenantDatabase } from '../database/tenant-database.ts';

export interface RecordedRow {
  position: bigint;
  deviceId: string;
  teamId: string | null;
  seq: bigint;
  receivedAt: Date;
  /** The canonical bytes as the device wrote them. */
  entry: string;
}

/** Types of events that are the record of a request. */
const TYPES = ['network.request', 'network.tunnel', 'network.uninspected', 'dlp.found', 'gate.decided'];

@Injectable()
export class ReplayRepository {
  constructor(private readonly database: TenantDatabase) {}

  /**
   * One batch, newest first. Each is a transaction of its own, so that a long replay keeps neither a connection
   * nor a snapshot of the database from others.
   */
  batch(
    organisationId: string,
    time: { from: string; to: string },
    before: bigint | undefined,
    size: number,
  ): Promise<RecordedRow[]> {
    const { from, to } = time;
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<RecordedRow[]>`
        WITH e AS MATERIALIZED (
          SELECT * FROM events e
          WHERE e.position < ${before ?? 2n ** 63n - 1n} AND e.type = ANY (${TYPES}::text[])
            AND e.received_at >= ${from}::timestamptz AND e.received_at < ${to}::timestamptz
            AND e.received_on BETWEEN ${from}::timestamptz::date - 1 AND ${to}::timestamptz::date + 1
          ORDER BY e.position DESC LIMIT ${size})
        SELECT e.position, e.device_id AS "deviceId", d.team_id AS "teamId", e.seq, e.received_at AS "receivedAt",
          e.entry
        FROM e JOIN devices d ON d.id = e.device_id ORDER BY e.position DESC`,
    );
  }
}
