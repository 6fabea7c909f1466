import { Injectable } from '@nestjs/common';
import {
  decodeEntryBundle,
  entryBundlePath,
  leafHash,
  parseCheckpoint,
  parseNote,
  proveInclusion,
  TILE_WIDTH,
  verifyInclusion,
} from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { RaypherError } from '@raypher/shared';
import type { ArchivedEntries, ArchivedRange } from '@raypher/shared/rest';
import { TenantDatabase } from '../database/tenant-database.ts';
import { TilesRepository } from '../ledger/tiles.repository.ts';
import { ArchiveCursorsRepository } from './archive-cursors.repository.ts';
import { archiveFolder, bundleOf } from './archive-layout.ts';
import { ArchiveSourceRepository } from './archive-source.repository.ts';
import type { ArchiveStore } from './archive-store.ts';
import { requireBundle } from './archived-bundle.ts';

export interface ArchivedEntry {
  index: number;
  /** Exact bytes, as text. */
  entry: string;
  /** Of the checkpoint that the proof is for. */
  size: number;
  checkpoint: string;
  /** RFC 6962 inclusion proof, hex. */
  proof: string[];
}

/** Reads entries back from the archive. Nothing is shown that was not proven to be in the log. */
@Injectable()
export class ArchiveEntries {
  constructor(
    private readonly database: TenantDatabase,
    private readonly cursors: ArchiveCursorsRepository,
    private readonly source: ArchiveSourceRepository,
    private readonly tiles: TilesRepository,
  ) {}

  /**
   * @throws RaypherError `request/not-found` when the archive does not reach that far, `archive/corrupted` when what is
   *   there is not what was recorded
   */
  async read(organisationId: string, store: ArchiveStore, index: number): Promise<ArchivedEntry> {
    const { sha256 } = nodePrimitives;
    const { size, checkpoint } = await this.database.within(organisationId, async (tx) => {
      const archived = (await this.cursors.find(tx, organisationId))?.size ?? 0;
      const [found] =
        archived === 0 ? [] : await this.source.checkpoints(tx, { from: archived - 1, to: archived });
      return { size: archived, checkpoint: found?.note };
    });
    if (checkpoint === undefined || index >= size) {
      throw new RaypherError('request/not-found', `The archive has no entry ${index}.`);
    }
    const bytes = await this.bytes(organisationId, store, index, size);
    const proof = await this.database.within(organisationId, (tx) =>
      proveInclusion(index, size, (ids) => this.tiles.read(tx, ids), sha256),
    );
    const { root } = parseCheckpoint(parseNote(checkpoint).text);
    const isProven =
      bytes !== undefined &&
      verifyInclusion({ index, size, leaf: leafHash(bytes, sha256), proof, root }, sha256);
    if (!isProven) {
      throw new RaypherError(
        'archive/corrupted',
        `Entry ${index} of the archive is not the one that was recorded.`,
        {
          details: { where: 'archive', index },
        },
      );
    }
    return {
      index,
      entry: Buffer.from(bytes).toString('utf8'),
      size,
      checkpoint,
      proof: proof.map((hash) => Buffer.from(hash).toString('hex')),
    };
  }

  /**
   * Entries from an index on, held to the leaf hashes of the log in the database.
   *
   * @throws RaypherError `archive/corrupted` naming the first that is not what was recorded
   */
  async range(
    organisationId: string,
    store: ArchiveStore,
    { from, limit }: ArchivedRange,
  ): Promise<ArchivedEntries> {
    const size = await this.database.within(
      organisationId,
      async (tx) => (await this.cursors.find(tx, organisationId))?.size ?? 0,
    );
    const end = Math.min(from + limit, size);
    const items: ArchivedEntries['items'] = [];
    while (from + items.length < end) {
      const bundle = bundleOf(from + items.length, size);
      const start = bundle.index * TILE_WIDTH;
      const entries = await this.bundle(organisationId, store, bundle);
      for (let index = from + items.length; index < Math.min(end, start + bundle.width); index += 1) {
        items.push({ index, entry: Buffer.from(entries[index - start] ?? []).toString('utf8') });
      }
    }
    return { items, next: end < size && items.length > 0 ? end : null };
  }

  private async bundle(
    organisationId: string,
    store: ArchiveStore,
    bundle: { index: number; width: number },
  ): Promise<Uint8Array[]> {
    const path = entryBundlePath(bundle.index, bundle.width);
    const [leaves] = await this.database.within(organisationId, (tx) =>
      this.tiles.read(tx, [{ level: 0, ...bundle }]),
    );
    const bytes = await store.read(`${archiveFolder(organisationId)}${path}`);
    return requireBundle(bytes, leaves ?? new Uint8Array(), bundle, path);
  }

  private async bytes(
    organisationId: string,
    store: ArchiveStore,
    index: number,
    size: number,
  ): Promise<Uint8Array | undefined> {
    const bundle = bundleOf(index, size);
    const bytes = await store.read(
      `${archiveFolder(organisationId)}${entryBundlePath(bundle.index, bundle.width)}`,
    );
    try {
      return bytes === undefined ? undefined : decodeEntryBundle(bytes)[index - bundle.index * TILE_WIDTH];
    } catch {
      return undefined;
    }
  }
}
