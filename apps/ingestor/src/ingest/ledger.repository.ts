import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import type { ChainHead } from '@raypher/ledger';
import { DEFAULT_RETENTION_DAYS, type DeviceStatus } from '@raypher/shared/rest';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { IngestDatabase } from '../database/ingest-database.ts';
import { type CopyValue, copyLine } from './copy-text.ts';
import { plainText } from './plain-text.ts';
import type { CheckedEntry } from './read-entry.ts';

export interface StoredHead extends ChainHead {
  /** Only an active device may add to its ledger. */
  status: DeviceStatus;
}

/** An entry as it goes into the table. */
export interface EventRow {
  organisationId: string;
  deviceId: string;
  position: string;
  entry: CheckedEntry;
  /** SHA-256, hex. */
  hash: string;
  /** What the entry commits to, when it was sent. */
  private: Buffer | undefined;
}

const COLUMNS = `organisation_id, device_id, seq, position, received_on, received_at, occurred_at, type, severity,
  actor_kind, actor_id, actor_name, action, target, outcome, mode, rule, policy_revision, hash, entry`;
/** Lines are handed to the socket in pieces of about this many characters. */
const PIECE = 64 * 1024;

@Injectable()
export class LedgerRepository {
  /** Day (UTC, YYYY-MM-DD) whose partition is known to exist. */
  private readyDay = '';

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

  /** Heads of these devices, locked in one order so that two micro-batches never wait for each other. */
  async lockHeads(client: PoolClient, deviceIds: string[]): Promise<Map<string, StoredHead>> {
    const { rows } = await client.query<HeadRow & { device_id: string; status: DeviceStatus }>(
      `SELECT c.device_id, c.last_seq, c.last_hash, d.status
         FROM device_chains c JOIN devices d ON d.id = c.device_id AND d.organisation_id = c.organisation_id
        WHERE c.device_id = ANY ($1::uuid[])
        ORDER BY c.device_id
          FOR UPDATE OF c`,
      [deviceIds],
    );
    return new Map(rows.map((row) => [row.device_id, { ...toHead(row), status: row.status }]));
  }

  /** Positions in the order of arrival, as decimal strings. */
  async takePositions(client: PoolClient, count: number): Promise<string[]> {
    const { rows } = await client.query<{ position: string }>(
      `SELECT nextval('events_position')::text AS position FROM generate_series(1, $1)`,
      [count],
    );
    return rows.map((row) => row.position);
  }

  /** Writes into the leaf of the day directly: COPY does not go through a table with row-level security. */
  async copyEvents(client: PoolClient, receivedAt: Date, rows: readonly EventRow[]): Promise<void> {
    const at = receivedAt.toISOString();
    const day = at.slice(0, 10);
    if (day !== this.readyDay) {
      await client.query('SELECT ensure_event_partition($1::date)', [day]);
    }
    const leaf = `events_${day.replaceAll('-', '')}`;
    await pipeline(
      Readable.from(pieces(rows, day, at), { objectMode: false }),
      client.query(copyFrom(`COPY ${leaf} (${COLUMNS}) FROM STDIN`)),
    );
    this.readyDay = day;
  }

  /** Keeps what entries commit to for as long as their organisation wants. */
  async storePrivateParts(client: PoolClient, receivedAt: Date, rows: readonly EventRow[]): Promise<void> {
    const kept = rows.flatMap(({ organisationId, deviceId, entry, private: content }) =>
      content === undefined ? [] : [{ organisationId, deviceId, seq: entry.seq, content }],
    );
    if (kept.length === 0) return;
    await client.query(
      `INSERT INTO event_private (organisation_id, device_id, seq, content, stored_at, expires_at)
       SELECT n.organisation_id, n.device_id, n.seq, n.content, $5::timestamptz,
         $5::timestamptz + make_interval(days => coalesce(r.days, ${DEFAULT_RETENTION_DAYS}))
         FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[]) AS n (organisation_id, device_id, seq, content)
         LEFT JOIN private_retention r ON r.organisation_id = n.organisation_id`,
      [
        kept.map(({ organisationId }) => organisationId),
        kept.map(({ deviceId }) => deviceId),
        kept.map(({ seq }) => seq),
        kept.map(({ content }) => content),
        receivedAt,
      ],
    );
  }

  async moveHeads(client: PoolClient, heads: ReadonlyMap<string, ChainHead>): Promise<void> {
    const entries = [...heads];
    await client.query(
      `UPDATE device_chains c SET last_seq = n.seq, last_hash = n.hash, updated_at = now()
         FROM UNNEST($1::uuid[], $2::bigint[], $3::bytea[]) AS n (device_id, seq, hash)
        WHERE c.device_id = n.device_id`,
      [
        entries.map(([deviceId]) => deviceId),
        entries.map(([, head]) => head.seq),
        entries.map(([, head]) => Buffer.from(head.hash, 'hex')),
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

function* pieces(rows: readonly EventRow[], day: string, at: string): Generator<string> {
  let piece = '';
  for (const row of rows) {
    piece += copyLine(columnsOf(row, day, at));
    if (piece.length >= PIECE) {
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') yield piece;
}

/** In the order of COLUMNS. The columns are for looking and searching; `entry` keeps the exact bytes. */
function columnsOf(
  { organisationId, deviceId, position, entry, hash }: EventRow,
  day: string,
  at: string,
): CopyValue[] {
  const { actor, verdict } = entry;
  return [
    organisationId,
    deviceId,
    entry.seq,
    position,
    day,
    at,
    new Date(entry.at).toISOString(),
    entry.type,
    entry.severity,
    actor.kind,
    plainText(actor.id, 128),
    plainText(actor.name, 256),
    plainText(entry.action, 128),
    plainText(entry.target, 2048),
    verdict?.outcome ?? null,
    verdict?.mode ?? null,
    verdict === undefined ? null : plainText(verdict.rule, 128),
    verdict?.revision ?? null,
    Buffer.from(hash, 'hex'),
    entry.text,
  ];
}
