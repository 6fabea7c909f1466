import { Injectable } from '@nestjs/common';
import type { BatchLine, DeviceLine } from '@raypher/ledger';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { Range } from './archive-layout.ts';

/** What an organisation's archive is made of, as the database has it. */
@Injectable()
export class ArchiveSourceRepository {
  /**
   * The checkpoint to go on to: the newest one within `most` entries, or the next one when all are further away.
   * Undefined when the log has grown by nothing that is signed.
   */
  async nextSize(tx: TenantTransaction, from: number, most: number): Promise<number | undefined> {
    const [row] = await tx.$queryRaw<{ size: bigint | null }[]>`
      SELECT coalesce(
        (SELECT max(size) FROM ledger_checkpoints WHERE size > ${from} AND size <= ${from + most}),
        (SELECT min(size) FROM ledger_checkpoints WHERE size > ${from})) AS size`;
    return row?.size === null || row === undefined ? undefined : Number(row.size);
  }

  async newestSize(tx: TenantTransaction): Promise<number> {
    const { _max } = await tx.ledgerCheckpoint.aggregate({ _max: { size: true } });
    return Number(_max.size ?? 0);
  }

  /** Signed notes of sizes above `from`, up to and with `to`, smallest first. */
  async checkpoints(tx: TenantTransaction, { from, to }: Range): Promise<{ size: number; note: string }[]> {
    const rows = await tx.ledgerCheckpoint.findMany({
      where: { size: { gt: BigInt(from), lte: BigInt(to) } },
      orderBy: { size: 'asc' },
      select: { size: true, note: true },
    });
    return rows.map(({ size, note }) => ({ size: Number(size), note }));
  }

  /** The exact bytes of entries, by their place; those that the database does not have any more are missing. */
  async entries(tx: TenantTransaction, { from, to }: Range): Promise<Map<number, Buffer>> {
    // Batches do not overlap: the last one that begins before the range is the first that can reach into it. Each is
    // looked up by the key of its events, whatever the planner believes to know about the partitions.
    const rows = await tx.$queryRaw<{ index: bigint; entry: string }[]>`
      SELECT b.first_index + (e.seq - b.first_seq) AS index, e.entry
      FROM ledger_batches b CROSS JOIN LATERAL (
        SELECT seq, entry FROM events
        WHERE device_id = b.device_id
          AND seq >= b.first_seq + greatest(0, ${from} - b.first_index)
          AND seq < b.first_seq + least(b.count, ${to} - b.first_index)
        OFFSET 0) AS e
      WHERE b.first_index < ${to}
        AND b.first_index >= coalesce((SELECT max(p.first_index) FROM ledger_batches p WHERE p.first_index <= ${from}), 0)
      UNION ALL
      SELECT leaf_index, entry FROM ledger_control WHERE leaf_index >= ${from} AND leaf_index < ${to}`;
    return new Map(rows.map(({ index, entry }) => [Number(index), Buffer.from(entry, 'utf8')]));
  }

  /** Batches that begin in the range and that their devices signed. */
  async batches(tx: TenantTransaction, { from, to }: Range): Promise<BatchLine[]> {
    const rows = await tx.ledgerBatch.findMany({
      where: { firstIndex: { gte: BigInt(from), lt: BigInt(to) }, signature: { not: null } },
      orderBy: { firstIndex: 'asc' },
    });
    return rows.map((row) => {
      const isShorter = row.signedFirstSeq !== row.firstSeq;
      const statement = { firstSeq: Number(row.signedFirstSeq), count: row.signedCount };
      return {
        index: Number(row.firstIndex),
        count: row.count,
        device: row.deviceId,
        firstSeq: Number(row.firstSeq),
        head: Buffer.from(row.head).toString('hex'),
        signature: Buffer.from(row.signature ?? []).toString('base64'),
        ...(isShorter ? { statement } : {}),
      };
    });
  }

  /** Keys of devices that entries in the range commit to. */
  async devices(tx: TenantTransaction, { from, to }: Range): Promise<DeviceLine[]> {
    return tx.$queryRaw`
      SELECT entry::jsonb ->> 'device' AS device, organisation_id AS organisation,
        entry::jsonb ->> 'publicKey' AS "publicKey", leaf_index::float8 AS "from"
      FROM ledger_control
      WHERE kind = 'device-key' AND leaf_index >= ${from} AND leaf_index < ${to}
      ORDER BY leaf_index`;
  }
}
