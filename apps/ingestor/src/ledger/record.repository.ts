import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';

/** No batch has more entries. */
const MOST_IN_BATCH = 512;
const PAGE = 500;

/** An entry in its place; of a device, or of the control plane. */
export interface PlacedEntry {
  index: number;
  /** Null: there is none where there should be one. */
  entry: string | null;
  deviceId: string | null;
  hostname: string | null;
  simulated: boolean | null;
  seq: number | null;
  controlId: number | null;
  kind: string | null;
  at: Date | null;
  private: Uint8Array | null;
}

export interface PlacedBatchRow {
  index: number;
  deviceId: string;
  firstSeq: number;
  count: number;
  signedFirstSeq: number;
  signedCount: number;
  head: Uint8Array;
  signature: Uint8Array | null;
}

interface EntryRow extends Omit<PlacedEntry, 'index' | 'seq' | 'controlId'> {
  index: bigint;
  seq: bigint | null;
  controlId: bigint | null;
}

/** What has its place in the log of an organisation. */
@Injectable()
export class RecordRepository {
  /** Entries from one place up to, without, another; ordered. */
  async entries(tx: TenantTransaction, from: number, to: number): Promise<PlacedEntry[]> {
    const rows = await tx.$queryRaw<EntryRow[]>`
      SELECT * FROM (
        SELECT b.first_index + s.seq - b.first_seq AS index, e.entry, b.device_id AS "deviceId", d.hostname, d.simulated, s.seq,
          NULL::bigint AS "controlId", NULL AS kind, e.occurred_at AS at, NULL::bytea AS private
        FROM ledger_batches b
          JOIN devices d ON d.id = b.device_id
          CROSS JOIN LATERAL generate_series(b.first_seq, b.first_seq + b.count - 1) AS s (seq)
          LEFT JOIN events e ON e.device_id = b.device_id AND e.seq = s.seq
        WHERE b.first_index > ${from - MOST_IN_BATCH} AND b.first_index < ${to}
        UNION ALL
        SELECT leaf_index, entry, NULL, NULL, NULL, NULL, id, kind, at, private FROM ledger_control
        WHERE leaf_index >= ${from} AND leaf_index < ${to}
      ) AS placed WHERE index >= ${from} AND index < ${to} ORDER BY index`;
    return rows.map((row) => ({
      ...row,
      index: Number(row.index),
      seq: row.seq === null ? null : Number(row.seq),
      controlId: row.controlId === null ? null : Number(row.controlId),
    }));
  }

  /** The place of an entry of a device; undefined while it has none. */
  async indexOf(tx: TenantTransaction, deviceId: string, seq: number): Promise<number | undefined> {
    const [row] = await tx.$queryRaw<{ index: bigint }[]>`
      SELECT first_index + ${seq} - first_seq AS index FROM ledger_batches
      WHERE device_id = ${deviceId}::uuid AND first_seq <= ${seq} AND first_seq + count > ${seq} AND first_index IS NOT NULL
      ORDER BY first_seq DESC LIMIT 1`;
    return row === undefined ? undefined : Number(row.index);
  }

  /** Batches with an entry before `to`, from a place on; a page. */
  async batches(tx: TenantTransaction, from: number, to: number): Promise<PlacedBatchRow[]> {
    const rows = await tx.ledgerBatch.findMany({
      where: { firstIndex: { gte: BigInt(from), lt: BigInt(to) } },
      orderBy: { firstIndex: 'asc' },
      take: PAGE,
    });
    return rows.map((row) => ({
      ...row,
      index: Number(row.firstIndex),
      firstSeq: Number(row.firstSeq),
      signedFirstSeq: Number(row.signedFirstSeq),
    }));
  }

  /** Entries that name a device's key, before `to`, from a place on; a page. */
  async deviceKeys(
    tx: TenantTransaction,
    from: number,
    to: number,
  ): Promise<{ index: number; entry: string }[]> {
    const rows = await tx.ledgerControl.findMany({
      where: { kind: 'device-key', leafIndex: { gte: BigInt(from), lt: BigInt(to) } },
      orderBy: { leafIndex: 'asc' },
      take: PAGE,
    });
    return rows.map((row) => ({ index: Number(row.leafIndex), entry: row.entry ?? '' }));
  }

  /** What entries of the control plane commit to and was not erased, before `to`, from a place on; a page. */
  async privateParts(
    tx: TenantTransaction,
    from: number,
    to: number,
  ): Promise<{ index: number; content: Uint8Array }[]> {
    const rows = await tx.ledgerControl.findMany({
      where: { private: { not: null }, leafIndex: { gte: BigInt(from), lt: BigInt(to) } },
      orderBy: { leafIndex: 'asc' },
      take: PAGE,
    });
    return rows.map((row) => ({ index: Number(row.leafIndex), content: row.private ?? new Uint8Array() }));
  }

  /** Devices from an id on; a page. */
  async devices(tx: TenantTransaction, after: string): Promise<string[]> {
    const rows = await tx.device.findMany({
      where: { id: { gt: after } },
      orderBy: { id: 'asc' },
      take: PAGE,
      select: { id: true },
    });
    return rows.map(({ id }) => id);
  }

  /** Entries of these devices that never came in a batch: the first of each device. */
  async unplaced(
    tx: TenantTransaction,
    devices: readonly string[],
  ): Promise<{ device: string; seq: number; count: number }[]> {
    const rows = await tx.$queryRaw<{ device: string; seq: bigint; count: bigint }[]>`
      SELECT e.device_id AS device, min(e.seq) AS seq, count(*) AS count FROM events e
      WHERE e.device_id = ANY (${[...devices]}::uuid[]) AND NOT EXISTS (
        SELECT 1 FROM ledger_batches b WHERE b.device_id = e.device_id AND b.first_seq <= e.seq
          AND b.first_seq > e.seq - ${MOST_IN_BATCH} AND b.first_seq + b.count > e.seq)
      GROUP BY e.device_id`;
    return rows.map(({ device, seq, count }) => ({ device, seq: Number(seq), count: Number(count) }));
  }
}
