import { Injectable } from '@nestjs/common';
import {
  EXPORT_FILES,
  EXPORT_FORMAT,
  encodeEntryBundle,
  entryBundlePath,
  leafHash,
  linePartPath,
  type Manifest,
  TILE_WIDTH,
  tilePath,
} from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { RaypherError } from '@raypher/shared';
import { TenantDatabase } from '../database/tenant-database.ts';
import { logKeyOf } from '../ledger/log-key.ts';
import { LogsRepository } from '../ledger/logs.repository.ts';
import { TilesRepository } from '../ledger/tiles.repository.ts';
import { type ArchiveCursor, ArchiveCursorsRepository } from './archive-cursors.repository.ts';
import { archiveFolder, newBundles, newTiles, type Range } from './archive-layout.ts';
import { ArchiveSettingsRepository } from './archive-settings.repository.ts';
import { ArchiveSourceRepository } from './archive-source.repository.ts';
import type { ArchiveStore, Keeping } from './archive-store.ts';

/** What bytes of an archive's object are. */
const HASH_BYTES = 32;
/** Entries of one step at most, unless one checkpoint has more: between two steps the archive is whole. */
const STEP = 16_384;
/** A step for fewer entries costs more objects at its edge than it is worth, until a day is over. */
const WORTH_A_STEP = 4_096;
const DAY_MS = 86_400_000;
const YEAR_MS = 366 * DAY_MS;
/** Bundles on their way at once: some 70 MB in the worst case. */
const AT_ONCE = 4;

export interface ArchiveRun {
  /** Also a step for few entries. */
  force?: boolean;
  /** Milliseconds since 1970. */
  now?: number;
}

/**
 * Writes what the log has grown by into the archive, in the layout of an export. Everything but three small files is
 * written once, and its content depends on the log alone: after a crash the same step is written again, and what is
 * there already is left as it is. The checkpoint comes last.
 */
@Injectable()
export class Archiver {
  constructor(
    private readonly database: TenantDatabase,
    private readonly cursors: ArchiveCursorsRepository,
    private readonly source: ArchiveSourceRepository,
    private readonly settings: ArchiveSettingsRepository,
    private readonly logs: LogsRepository,
    private readonly tiles: TilesRepository,
  ) {}

  /**
   * @returns how many entries were archived.
   * @throws RaypherError `archive/…`
   */
  async archive(
    organisationId: string,
    store: ArchiveStore,
    { force = false, now = Date.now() }: ArchiveRun = {},
  ): Promise<number> {
    let archived = 0;
    for (;;) {
      const step = await this.nextStep(organisationId, store.destination, force, now);
      if (step === undefined) return archived;
      await this.write(organisationId, store, step, now);
      await this.database.within(organisationId, (tx) =>
        this.cursors.change(tx, organisationId, { size: step.to, target: null, archivedAt: new Date(now) }),
      );
      archived += step.to - step.from;
    }
  }

  /** Where it ends is written down before anything else, so that an interrupted step is finished and not another begun. */
  private nextStep(
    organisationId: string,
    destination: string,
    force: boolean,
    now: number,
  ): Promise<Range | undefined> {
    return this.database.within(organisationId, async (tx) => {
      await this.cursors.create(tx, organisationId, destination);
      const cursor = await this.cursors.find(tx, organisationId);
      if (cursor === undefined) return undefined;
      if (cursor.destination !== destination) throw moved(cursor, destination);
      const { size: from, target } = cursor;
      if (target !== undefined) return { from, to: target };
      const newest = await this.source.newestSize(tx);
      const isDue =
        force || newest - from >= WORTH_A_STEP || now - (cursor.archivedAt?.getTime() ?? 0) >= DAY_MS;
      const to = isDue ? await this.source.nextSize(tx, from, STEP) : undefined;
      if (to === undefined) return undefined;
      await this.cursors.change(tx, organisationId, { target: to });
      return { from, to };
    });
  }

  private async write(organisationId: string, store: ArchiveStore, step: Range, now: number): Promise<void> {
    const keeping = await this.keeping(organisationId, now);
    const folder = archiveFolder(organisationId);
    const put = (path: string, bytes: Uint8Array) => store.putOnce(`${folder}${path}`, bytes, keeping);
    const lines = await this.database.within(organisationId, async (tx) => ({
      [EXPORT_FILES.devices]: await this.source.devices(tx, step),
      [EXPORT_FILES.batches]: await this.source.batches(tx, step),
      [EXPORT_FILES.checkpoints]: (await this.source.checkpoints(tx, step)).map(({ note }) => note),
    }));
    await this.inTurns(newBundles(step), async (bundle) => {
      await put(entryBundlePath(bundle.index, bundle.width), await this.bundle(organisationId, bundle));
    });
    await this.inTurns(newTiles(step), async (tile) => {
      const [hashes] = await this.database.within(organisationId, (tx) => this.tiles.read(tx, [tile]));
      await put(tilePath(tile), requireTile(hashes, tile.width));
    });
    for (const [path, content] of Object.entries(lines)) {
      await put(
        linePartPath(path, step),
        Buffer.from(content.map((line) => `${JSON.stringify(line)}\n`).join('')),
      );
    }
    await this.writeHead(organisationId, store, step.to, keeping);
  }

  /** What says how far it goes: in this order, so that the checkpoint never speaks of what is not there. */
  private async writeHead(
    organisationId: string,
    store: ArchiveStore,
    size: number,
    keeping: Keeping,
  ): Promise<void> {
    const folder = archiveFolder(organisationId);
    const { log, checkpoint } = await this.database.within(organisationId, async (tx) => ({
      log: await this.logs.find(tx),
      checkpoint: (await this.source.checkpoints(tx, { from: size - 1, to: size })).at(0),
    }));
    if (log === undefined || checkpoint === undefined)
      throw broken(`The log has no checkpoint of ${size} entries.`, size);
    const manifest: Manifest = {
      format: EXPORT_FORMAT,
      organisation: organisationId,
      origin: log.origin,
      size,
      exportedAt: new Date().toISOString(),
      range: { from: 0, to: size },
    };
    const replace = (path: string, text: string) =>
      store.replace(`${folder}${path}`, Buffer.from(text), keeping);
    await replace(EXPORT_FILES.key, `${logKeyOf(log).vkey}\n`);
    await replace(EXPORT_FILES.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
    await replace(EXPORT_FILES.checkpoint, checkpoint.note);
  }

  /** @throws RaypherError `archive/corrupted` when the database does not have what the log commits to */
  private async bundle(
    organisationId: string,
    { index, width }: { index: number; width: number },
  ): Promise<Uint8Array> {
    const from = index * TILE_WIDTH;
    const range = { from, to: from + width };
    const { entries, hashes } = await this.database.within(organisationId, async (tx) => ({
      entries: await this.source.entries(tx, range),
      hashes: (await this.tiles.read(tx, [{ level: 0, index, width }])).at(0),
    }));
    const leaves = requireTile(hashes, width);
    const bytes = Array.from({ length: width }, (_, at) => {
      const entry = entries.get(from + at);
      const leaf = leaves.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
      if (entry === undefined)
        throw broken(`The database has no entry ${from + at} to be archived.`, from + at);
      if (Buffer.compare(leafHash(entry, nodePrimitives.sha256), leaf) !== 0) {
        throw broken(
          `Entry ${from + at} of the database is not what the log commits to. It is not archived.`,
          from + at,
        );
      }
      return entry;
    });
    return encodeEntryBundle(bytes);
  }

  private keeping(organisationId: string, now: number): Promise<Keeping> {
    return this.database.within(organisationId, async (tx) => {
      const { archiveYears } = await this.settings.retention(tx);
      const held = await this.settings.isHeld(tx, organisationId);
      return { until: new Date(now + archiveYears * YEAR_MS), held };
    });
  }

  private async inTurns<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const waiting = items[Symbol.iterator]();
    const worker = async () => {
      for (let next = waiting.next(); next.done !== true; next = waiting.next()) await work(next.value);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }
}

function requireTile(hashes: Uint8Array | undefined, width: number): Uint8Array {
  if (hashes !== undefined && hashes.length >= width * HASH_BYTES)
    return hashes.subarray(0, width * HASH_BYTES);
  throw broken('The database has no tile that the log needs.', undefined);
}

function broken(message: string, index: number | undefined): RaypherError {
  return new RaypherError('archive/corrupted', message, {
    hint: 'The database was changed. The audit of the record says where; the archive has what came before.',
    details: { where: 'database', ...(index === undefined ? {} : { index }) },
  });
}

function moved({ destination }: ArchiveCursor, configured: string): RaypherError {
  return new RaypherError(
    'archive/refused',
    'The archive is set up at another place than where it was begun.',
    {
      hint: 'Copy what is at the old place to the new one, then have the archive verified: it goes on from there.',
      details: { begun: destination, configured },
    },
  );
}
