import { Injectable } from '@nestjs/common';
import type { TileId } from '@raypher/ledger';
import type { TenantTransaction } from '../database/tenant-database.ts';

const NOTHING = new Uint8Array();

/** The hashes of an organisation's log in tiles (c2sp.org/tlog-tiles). A stored tile may be wider than asked for. */
@Injectable()
export class TilesRepository {
  /** In the order asked for; empty where there is none. */
  async read(tx: TenantTransaction, ids: readonly TileId[]): Promise<Uint8Array[]> {
    if (ids.length === 0) return [];
    const levels = ids.map(({ level }) => level);
    const indices = ids.map(({ index }) => String(index));
    const rows = await tx.$queryRaw<{ level: number; index: bigint; hashes: Uint8Array }[]>`
      SELECT t.level, t.tile_index AS index, t.hashes
        FROM UNNEST(${levels}::smallint[], ${indices}::bigint[]) AS w (level, tile_index)
        JOIN ledger_tiles t USING (level, tile_index)`;
    const found = new Map(rows.map(({ level, index, hashes }) => [`${level}/${index}`, hashes]));
    return ids.map(({ level, index }) => found.get(`${level}/${index}`) ?? NOTHING);
  }

  /** New tiles, and wider ones in the place of narrower ones. */
  async write(
    tx: TenantTransaction,
    organisationId: string,
    tiles: readonly { id: TileId; hashes: Uint8Array }[],
  ): Promise<void> {
    const levels = tiles.map(({ id }) => id.level);
    const indices = tiles.map(({ id }) => String(id.index));
    const hashes = tiles.map((tile) => Buffer.from(tile.hashes).toString('hex'));
    await tx.$executeRaw`
      INSERT INTO ledger_tiles (organisation_id, level, tile_index, hashes)
      SELECT ${organisationId}::uuid, level, tile_index, decode(hashes, 'hex')
        FROM UNNEST(${levels}::smallint[], ${indices}::bigint[], ${hashes}::text[]) AS n (level, tile_index, hashes)
      ON CONFLICT (organisation_id, level, tile_index) DO UPDATE SET hashes = EXCLUDED.hashes`;
  }
}
