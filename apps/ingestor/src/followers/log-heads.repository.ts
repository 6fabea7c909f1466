import { Injectable } from '@nestjs/common';
import type { TileId } from '@raypher/ledger';
import { IngestDatabase } from '../database/ingest-database.ts';

/** An organisation's log as it is shown to its devices. */
export interface LogHead {
  /** Names the log. */
  origin: string;
  /** Of the newest checkpoint. */
  size: number;
  note: string;
  /** About the log's key, as the organisation's policy key signed it. */
  key: { payload: Buffer; signature: Buffer; keyId: string };
}

interface HeadRow {
  origin: string;
  size: string;
  note: string;
  payload: Buffer;
  signature: Buffer;
  keyId: string;
}

const NOTHING = new Uint8Array();

/** What the link may read of the logs: their heads and tiles, none of the entries. */
@Injectable()
export class LogHeadsRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** Undefined before the first checkpoint under the name that the log has now. */
  async newest(organisationId: string): Promise<LogHead | undefined> {
    const [row] = await this.database.query<HeadRow>(
      `SELECT l.origin, c.size, c.note, l.key_statement AS payload, l.key_signature AS signature,
              l.policy_key_id AS "keyId"
         FROM ledger_logs l
         JOIN LATERAL (SELECT size, note FROM ledger_checkpoints
                        WHERE organisation_id = l.organisation_id ORDER BY size DESC LIMIT 1) c ON true
        WHERE l.organisation_id = $1 AND l.key_statement IS NOT NULL AND starts_with(c.note, l.origin || E'\\n')`,
      [organisationId],
    );
    if (row === undefined) return undefined;
    const { origin, size, note, ...key } = row;
    return { origin, size: Number(size), note, key };
  }

  /** In the order asked for; empty where there is none. */
  async tiles(organisationId: string, ids: readonly TileId[]): Promise<Uint8Array[]> {
    const rows = await this.database.query<{ level: number; index: string; hashes: Buffer }>(
      `SELECT t.level, t.tile_index AS index, t.hashes
         FROM unnest($2::smallint[], $3::bigint[]) AS w (level, tile_index)
         JOIN ledger_tiles t ON t.organisation_id = $1 AND t.level = w.level AND t.tile_index = w.tile_index`,
      [organisationId, ids.map(({ level }) => level), ids.map(({ index }) => index)],
    );
    const found = new Map(rows.map(({ level, index, hashes }) => [`${level}/${index}`, hashes]));
    return ids.map(({ level, index }) => found.get(`${level}/${index}`) ?? NOTHING);
  }
}
