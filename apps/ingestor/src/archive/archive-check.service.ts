import { Injectable } from '@nestjs/common';
import { type ExportReport, entryBundlePath, TILE_WIDTH, tilePath, verifyExport } from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { TenantDatabase } from '../database/tenant-database.ts';
import { logKeyOf } from '../ledger/log-key.ts';
import { LogsRepository } from '../ledger/logs.repository.ts';
import { TilesRepository } from '../ledger/tiles.repository.ts';
import { type ArchiveCursor, ArchiveCursorsRepository } from './archive-cursors.repository.ts';
import { archiveFolder, newBundles, newTiles } from './archive-layout.ts';
import { archiveReader } from './archive-reader.ts';
import { ArchiveSourceRepository } from './archive-source.repository.ts';
import type { ArchiveStore } from './archive-store.ts';
import { corrupted, requireBundle } from './archived-bundle.ts';

const HASH_BYTES = 32;

/** Reads the archive back. What was not read back never leaves the database. */
@Injectable()
export class ArchiveCheck {
  constructor(
    private readonly database: TenantDatabase,
    private readonly cursors: ArchiveCursorsRepository,
    private readonly source: ArchiveSourceRepository,
    private readonly logs: LogsRepository,
    private readonly tiles: TilesRepository,
  ) {}

  /**
   * Reads what was archived since the last time, and holds it to the tiles of the log in the database.
   *
   * @returns how many entries were read.
   * @throws RaypherError `archive/corrupted` naming the first entry that is missing or different
   */
  async readBack(organisationId: string, store: ArchiveStore): Promise<number> {
    const cursor = await this.cursor(organisationId);
    if (cursor === undefined || cursor.destination !== store.destination) return 0;
    const step = { from: cursor.checkedSize, to: cursor.size };
    if (step.from >= step.to) return 0;
    const folder = archiveFolder(organisationId);
    for (const bundle of newBundles(step)) {
      const path = entryBundlePath(bundle.index, bundle.width);
      const bytes = await store.read(`${folder}${path}`);
      requireBundle(bytes, await this.tile(organisationId, { level: 0, ...bundle }), bundle, path);
    }
    for (const tile of newTiles(step)) {
      const bytes = await store.read(`${folder}${tilePath(tile)}`);
      if (bytes === undefined || Buffer.compare(bytes, await this.tile(organisationId, tile)) !== 0) {
        const index = tile.index * TILE_WIDTH ** (tile.level + 1);
        throw corrupted(`A tile of the archive is missing or was changed: ${tilePath(tile)}.`, index);
      }
    }
    await this.database.within(organisationId, (tx) =>
      this.cursors.change(tx, organisationId, { checkedSize: step.to, checkedAt: new Date() }),
    );
    return step.to - step.from;
  }

  /**
   * Verifies the whole archive as an auditor would, with the key and the checkpoint that the database has: every entry,
   * tree, chain and signature. An archive that was copied to a new place goes on there afterwards.
   *
   * @throws RaypherError `archive/corrupted` naming the first bad entry
   */
  async verify(organisationId: string, store: ArchiveStore): Promise<ExportReport | undefined> {
    const cursor = await this.cursor(organisationId);
    if (cursor === undefined || cursor.size === 0) return undefined;
    const { size } = cursor;
    const { log, checkpoint } = await this.database.within(organisationId, async (tx) => ({
      log: await this.logs.find(tx),
      checkpoint: (await this.source.checkpoints(tx, { from: size - 1, to: size })).at(0),
    }));
    if (log === undefined || checkpoint === undefined) return undefined;
    const report = await verifyExport(archiveReader(store, organisationId), {
      vkey: logKeyOf(log).vkey,
      checkpoint: checkpoint.note,
      organisation: organisationId,
      // Its manifest is one of the files that can be replaced: what it says is missing may leave the database next.
      whole: true,
      primitives: nodePrimitives,
    });
    const { first, total } = report.faults;
    if (report.verdict !== 'VERIFIED') {
      throw corrupted(
        `The archive is not what was recorded: ${first?.detail ?? 'it does not verify.'}`,
        first?.index,
        {
          faults: total,
          first,
        },
      );
    }
    await this.database.within(organisationId, (tx) =>
      this.cursors.change(tx, organisationId, {
        destination: store.destination,
        // Whoever copied it copied bytes: a legal hold is put on them anew.
        ...(cursor.destination === store.destination ? {} : { held: false }),
        checkedSize: size,
        verifiedSize: size,
        checkedAt: new Date(),
        verifiedAt: new Date(),
      }),
    );
    return report;
  }

  private cursor(organisationId: string): Promise<ArchiveCursor | undefined> {
    return this.database.within(organisationId, (tx) => this.cursors.find(tx, organisationId));
  }

  private async tile(
    organisationId: string,
    tile: { level: number; index: number; width: number },
  ): Promise<Uint8Array> {
    const [hashes] = await this.database.within(organisationId, (tx) => this.tiles.read(tx, [tile]));
    return (hashes ?? new Uint8Array()).subarray(0, tile.width * HASH_BYTES);
  }
}
