import { Injectable } from '@nestjs/common';
import { MAX_BATCH_ENTRIES } from '@raypher/shared';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';

/** One place of the log: an entry of a device, or one of the control plane. */
export interface PlacedRow {
  index: bigint;
  /** When the control plane stored it. */
  at: Date;
  deviceId: string | null;
  entry: string | null;
  hostname: string | null;
  os: string | null;
  agentVersion: string | null;
  controlId: bigint | null;
  kind: string | null;
  /** Without the private part. */
  body: unknown;
}

/** Reads the organisation's log in its order. What has no place yet is not seen, so nothing comes in behind the reader. */
@Injectable()
export class LogReaderRepository {
  constructor(private readonly database: TenantDatabase) {}

  /**
   * What follows, from that place on: so many, and bytes of entries, at most; one is read however long it is.
   * In one statement, because all of it has to be from one moment.
   */
  read(organisationId: string, from: bigint, most: number, mostBytes: number): Promise<PlacedRow[]> {
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<PlacedRow[]>`
        WITH batches AS MATERIALIZED (
          SELECT device_id, first_seq, count, first_index FROM ledger_batches
          WHERE first_index > ${from - BigInt(MAX_BATCH_ENTRIES)} AND first_index + count > ${from}
          ORDER BY first_index LIMIT ${most}
        ), placed AS (
          SELECT b.first_index + (e.seq - b.first_seq) AS index, e.received_at AS at, e.device_id AS "deviceId", e.entry,
            d.hostname, d.os, d.agent_version AS "agentVersion", NULL::bigint AS "controlId", NULL AS kind, NULL::jsonb AS body
          FROM batches b
          JOIN events e ON e.device_id = b.device_id AND e.seq < b.first_seq + b.count
            AND e.seq >= greatest(b.first_seq, b.first_seq + ${from} - b.first_index)
          JOIN devices d ON d.id = e.device_id
          UNION ALL (
            SELECT leaf_index, at, NULL, NULL, NULL, NULL, NULL, id, kind, body FROM ledger_control
            WHERE leaf_index >= ${from} ORDER BY leaf_index LIMIT ${most})
          ORDER BY index LIMIT ${most}
        ), measured AS (
          SELECT *, sum(octet_length(coalesce(entry, body::text))) OVER (ORDER BY index) AS bytes FROM placed
        )
        SELECT index, at, "deviceId", entry, hostname, os, "agentVersion", "controlId", kind, body
        FROM measured WHERE bytes <= ${mostBytes} OR index = ${from} ORDER BY index`,
    );
  }

  /** How many places the log has. */
  async end(tx: TenantTransaction): Promise<bigint> {
    const [row] = await tx.$queryRaw<{ end: bigint }[]>`
      SELECT greatest(
        (SELECT first_index + count FROM ledger_batches WHERE first_index IS NOT NULL ORDER BY first_index DESC LIMIT 1),
        (SELECT leaf_index + 1 FROM ledger_control WHERE leaf_index IS NOT NULL ORDER BY leaf_index DESC LIMIT 1),
        0)::bigint AS end`;
    return row?.end ?? 0n;
  }

  /** When what is at that place was stored. */
  async storedAt(tx: TenantTransaction, index: bigint): Promise<Date | undefined> {
    const [row] = await tx.$queryRaw<{ at: Date }[]>`
      SELECT e.received_at AS at FROM ledger_batches b
      JOIN events e ON e.device_id = b.device_id AND e.seq = b.first_seq + ${index} - b.first_index
      WHERE b.first_index > ${index - BigInt(MAX_BATCH_ENTRIES)} AND b.first_index <= ${index}
        AND b.first_index + b.count > ${index}
      UNION ALL SELECT at FROM ledger_control WHERE leaf_index = ${index} LIMIT 1`;
    return row?.at;
  }
}
