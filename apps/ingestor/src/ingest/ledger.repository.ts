import { finished } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import type { ChainHead } from '@raypher/ledger';
import { DEFAULT_RETENTION_DAYS, type DeviceStatus } from '@raypher/shared/rest';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { IngestDatabase } from '../database/ingest-database.ts';
import { copyText } from './event-copy.ts';
import { ENTRY_COLUMNS } from './event-lines.ts';
import { LEAF_BYTES } from './leaf-hashes.ts';
import { newIn, type PlacedBatch } from './placed-batch.ts';

export interface StoredHead extends ChainHead {
  /** Only an active device may add to its ledger. */
  status: DeviceStatus;
}

/** A full micro-batch has about 8 MB; a larger one gets memory of its own. */
const COPY_BYTES = 16 * 1024 * 1024;
const COLUMNS = `position, received_on, received_at, ${ENTRY_COLUMNS}`;

@Injectable()
export class LedgerRepository {
  /** Day (UTC, YYYY-MM-DD) whose partition is known to exist. */
  private readyDay = '';
  /** For the text of a micro-batch; away while one is sent. */
  private spare: Buffer | undefined;

  constructor(private readonly database: IngestDatabase) {}

  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return this.database.transaction(work);
  }

  async head(deviceId: string): Promise<ChainHead | undefined> {
    const rows = await this.database.query<HeadRow>(
      'SELECT last_seq, last_hash FROM device_chains WHERE device_id = $1',
      [deviceId],
    );
    return rows[0] === undefined ? undefined : toHead(rows[0]);
  }

  /**
   * Heads of these devices, locked in one order so that two micro-batches never wait for each other; and then, when no
   * other process can be in the middle of these chains, positions in the order of arrival. One question, because each
   * answer waits for its turn on the event loop.
   *
   * @returns positions as decimal strings
   */
  async lockHeads(
    client: PoolClient,
    deviceIds: string[],
    positions: number,
  ): Promise<{ heads: Map<string, StoredHead>; positions: string[] }> {
    const { rows } = await client.query<
      HeadRow & { device_id: string; status: DeviceStatus; positions: string }
    >(
      `WITH heads AS MATERIALIZED (
         SELECT c.device_id, c.last_seq, c.last_hash, d.status
           FROM device_chains c JOIN devices d ON d.id = c.device_id AND d.organisation_id = c.organisation_id
          WHERE c.device_id = ANY ($1::uuid[])
          ORDER BY c.device_id
            FOR UPDATE OF c)
       SELECT heads.*, '' AS positions FROM heads
       UNION ALL
       SELECT NULL, NULL, NULL, NULL, (SELECT string_agg(nextval('events_position')::text, ',') FROM generate_series(1, $2))`,
      [deviceIds, positions],
    );
    // The last row is none of a device.
    const taken = rows.pop();
    return {
      heads: new Map(rows.map((row) => [row.device_id, { ...toHead(row), status: row.status }])),
      positions: taken?.positions.split(',') ?? [],
    };
  }

  /**
   * Writes into the leaf of the day directly: COPY does not go through a table with row-level security.
   *
   * @param positions at least one for each new entry; the first are used
   */
  async copyEvents(
    client: PoolClient,
    receivedAt: Date,
    placed: readonly PlacedBatch[],
    positions: readonly string[],
  ): Promise<void> {
    const at = receivedAt.toISOString();
    const day = at.slice(0, 10);
    if (day !== this.readyDay) {
      await client.query('SELECT ensure_event_partition($1::date)', [day]);
    }
    const leaf = `events_${day.replaceAll('-', '')}`;
    const copy = client.query(copyFrom(`COPY ${leaf} (${COLUMNS}) FROM STDIN`));
    // Memory that was used before: to be given new pages for megabytes takes longer than to fill them.
    const memory = this.spare ?? Buffer.allocUnsafeSlow(COPY_BYTES);
    this.spare = undefined;
    try {
      copy.end(copyText(memory, placed, positions, at));
      await finished(copy);
    } finally {
      // Of a connection that failed nobody knows what it still reads.
      if (copy.writableFinished) this.spare = memory;
    }
    this.readyDay = day;
  }

  /** Each batch with its signature, and what its new entries are in the organisation's log; chains end with them now. */
  async storeBatches(
    client: PoolClient,
    placed: readonly PlacedBatch[],
    moved: ReadonlyMap<string, ChainHead>,
  ): Promise<void> {
    const heads = [...moved];
    await client.query(
      `WITH moved AS (
         UPDATE device_chains c SET last_seq = n.seq, last_hash = n.hash, updated_at = now()
           FROM UNNEST($10::uuid[], $11::bigint[], $12::bytea[]) AS n (device_id, seq, hash)
          WHERE c.device_id = n.device_id)
       INSERT INTO ledger_batches (organisation_id, device_id, first_seq, count, signed_first_seq, signed_count, head,
         signature, leaf_hashes)
       SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::bigint[], $6::int[], $7::bytea[],
         $8::bytea[], $9::bytea[])`,
      [
        placed.map(({ job }) => job.organisationId),
        placed.map(({ job }) => job.deviceId),
        placed.map(({ job, from }) => job.batch.firstSeq + from),
        placed.map(newIn),
        placed.map(({ job }) => job.batch.firstSeq),
        placed.map(({ job }) => job.batch.count),
        placed.map(({ head }) => Buffer.from(head.hash, 'hex')),
        placed.map(({ job }) => job.sent.signature),
        placed.map(({ job, from }) => asBuffer(job.batch.leafHashes.subarray(from * LEAF_BYTES))),
        heads.map(([deviceId]) => deviceId),
        heads.map(([, head]) => head.seq),
        heads.map(([, head]) => Buffer.from(head.hash, 'hex')),
      ],
    );
  }

  /** Keeps what new entries commit to for as long as their organisation wants. */
  async storePrivateParts(
    client: PoolClient,
    receivedAt: Date,
    placed: readonly PlacedBatch[],
  ): Promise<void> {
    const kept = placed.flatMap(({ job, from }) =>
      job.sent.privateParts
        .filter(({ seq }) => Number(seq) >= job.batch.firstSeq + from)
        .map(({ seq, content }) => ({ job, seq, content })),
    );
    if (kept.length === 0) return;
    await client.query(
      `INSERT INTO event_private (organisation_id, device_id, seq, content, stored_at, expires_at)
       SELECT n.organisation_id, n.device_id, n.seq, n.content, $5::timestamptz,
         $5::timestamptz + make_interval(days => coalesce(r.days, ${DEFAULT_RETENTION_DAYS}))
         FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[]) AS n (organisation_id, device_id, seq, content)
         LEFT JOIN private_retention r ON r.organisation_id = n.organisation_id`,
      [
        kept.map(({ job }) => job.organisationId),
        kept.map(({ job }) => job.deviceId),
        kept.map(({ seq }) => seq),
        kept.map(({ content }) => content),
        receivedAt,
      ],
    );
  }
}

interface HeadRow {
  last_seq: string;
  last_hash: Buffer;
}

function toHead(row: HeadRow): ChainHead {
  return { seq: Number(row.last_seq), hash: row.last_hash.toString('hex') };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
