import { Inject, Injectable } from '@nestjs/common';
import {
  type AnchorLine,
  type BatchLine,
  DeviceKeyEntry,
  type DeviceLine,
  type EntryRange,
  type ExportSource,
  encodeEntryBundle,
  formatVerifierKey,
  MAX_LOG_ENTRY_BYTES,
  type PrivateLine,
  parseEntryBundlePath,
  TILE_WIDTH,
} from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';
import { DroppedEntries } from '../archive/dropped-entries.service.ts';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { AnchorsRepository } from './anchors/anchors.repository.ts';
import { CheckpointsRepository, type StoredCheckpoint } from './checkpoints.repository.ts';
import { logKeyOf } from './log-key.ts';
import { LogsRepository } from './logs.repository.ts';
import { RecordRepository } from './record.repository.ts';
import { TilesRepository } from './tiles.repository.ts';

const CHECKPOINT_PAGE = 500;
const NO_BYTES = new Uint8Array();

export interface ExportOptions {
  range?: EntryRange | undefined;
  /** With what entries of the control plane commit to. */
  privateParts: boolean;
}

/** The record of an organisation as an export has it, read piece by piece: each in a transaction of its own. */
@Injectable()
export class LogExportService {
  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly database: TenantDatabase,
    private readonly logs: LogsRepository,
    private readonly checkpoints: CheckpointsRepository,
    private readonly tiles: TilesRepository,
    private readonly record: RecordRepository,
    private readonly anchors: AnchorsRepository,
    private readonly dropped: DroppedEntries,
  ) {}

  /**
   * Up to the newest checkpoint.
   *
   * @throws RaypherError `request/not-found` when nothing was signed yet, `request/invalid` for a range of nothing
   */
  async source(organisationId: string, { range, privateParts }: ExportOptions): Promise<ExportSource> {
    const within = <T>(work: (tx: TenantTransaction) => Promise<T>) =>
      this.database.within(organisationId, work);
    const { log, newest, cosignatures } = await within(async (tx) => {
      const checkpoint = await this.checkpoints.find(tx);
      return {
        log: await this.logs.find(tx),
        newest: checkpoint,
        cosignatures: await this.anchors.cosignatures(tx, checkpoint === undefined ? [] : [checkpoint.size]),
      };
    });
    if (log?.key === undefined || newest === undefined || !isOf(newest, log.origin)) {
      throw new RaypherError('request/not-found', 'Nothing in the log of this organisation was signed yet.', {
        hint: 'The first checkpoint is there a few seconds after the first entry.',
      });
    }
    const { size } = newest;
    if (range !== undefined && range.from >= range.to) {
      throw new RaypherError('request/invalid', 'There is no entry between these two places.', {
        hint: 'An export has entries from one place up to, without, a later one.',
      });
    }
    const kept = { from: Math.min(range?.from ?? 0, size), to: Math.min(range?.to ?? size, size) };
    return {
      organisation: organisationId,
      origin: log.origin,
      size,
      vkey: logKeyOf(log).vkey,
      checkpoint: newest.note + (cosignatures.get(size) ?? ''),
      checkpoints: this.notes(within, log.origin, size),
      exportedAt: new Date(),
      range: kept,
      ...(range === undefined ? {} : { reason: 'Only this range was asked for.' }),
      readTile: async (id) => {
        const [hashes = NO_BYTES] = await within((tx) => this.tiles.read(tx, [id]));
        return hashes;
      },
      readEntries: async (index, count) =>
        this.dropped.fill(organisationId, index, await within((tx) => this.bytes(tx, index, count))),
      batches: this.batches(within, kept, size),
      devices: this.devices(within, size, kept, organisationId),
      anchors: this.anchorLines(within, size),
      ...(privateParts ? { privateParts: this.privateParts(within, kept) } : {}),
    };
  }

  /** A bundle of entries by its path in c2sp.org/tlog-tiles; undefined when the log does not have all of them. */
  async bundle(organisationId: string, path: string): Promise<Uint8Array | undefined> {
    const id = parseEntryBundlePath(path);
    if (id === undefined) return undefined;
    const start = id.index * TILE_WIDTH;
    const stored = await this.database.within(organisationId, async (tx) => {
      const size = (await this.logs.find(tx))?.frontier.size ?? 0;
      return start + id.width > size ? undefined : this.bytes(tx, start, id.width);
    });
    return stored && encodeEntryBundle(await this.dropped.fill(organisationId, start, stored));
  }

  /**
   * An entry that is not there, or is there twice, has no bytes: whoever verifies it finds that it is not the one in
   * the tree.
   */
  private async bytes(tx: TenantTransaction, index: number, count: number): Promise<Uint8Array[]> {
    const bytes = Array.from({ length: count }, () => NO_BYTES);
    const taken = new Set<number>();
    for (const placed of await this.record.entries(tx, index, index + count)) {
      const entry = Buffer.from(placed.entry ?? '');
      const isUsable = !taken.has(placed.index) && entry.length <= MAX_LOG_ENTRY_BYTES;
      bytes[placed.index - index] = isUsable ? entry : NO_BYTES;
      taken.add(placed.index);
    }
    return bytes;
  }

  private async *notes(within: Within, origin: string, size: number): AsyncGenerator<string> {
    for (let after = 0; after < size; ) {
      const { page, cosignatures } = await within(async (tx) => {
        const checkpoints: StoredCheckpoint[] = await this.checkpoints.after(tx, after, CHECKPOINT_PAGE);
        const sizes = checkpoints.map((checkpoint) => checkpoint.size);
        return { page: checkpoints, cosignatures: await this.anchors.cosignatures(tx, sizes) };
      });
      for (const checkpoint of page) {
        const isWanted = checkpoint.size <= size && isOf(checkpoint, origin);
        if (isWanted) yield checkpoint.note + (cosignatures.get(checkpoint.size) ?? '');
      }
      after = page.at(-1)?.size ?? size;
    }
  }

  private async *anchorLines(within: Within, size: number): AsyncGenerator<AnchorLine> {
    for (const { key } of this.config.witnesses ?? []) {
      yield { kind: 'witness', name: key.name, vkey: formatVerifierKey(key) };
    }
    for (let after = 0; after < size; ) {
      const page = await within((tx) =>
        this.anchors.timeStamps(tx, { after, to: size, limit: CHECKPOINT_PAGE }),
      );
      for (const stamp of page) {
        yield { kind: 'rfc3161', size: stamp.size, token: Buffer.from(stamp.token).toString('base64') };
      }
      after = page.at(-1)?.size ?? size;
    }
  }

  private async *batches(within: Within, { from, to }: EntryRange, size: number): AsyncGenerator<BatchLine> {
    // Whole bundles are written, so are the batches that reach into them; what came after the checkpoint is not there.
    const start = from - (from % TILE_WIDTH);
    const end = Math.min(size, Math.ceil(to / TILE_WIDTH) * TILE_WIDTH);
    for (let next = Math.max(0, start - 511); next < end; ) {
      const page = await within((tx) => this.record.batches(tx, next, end));
      for (const { index, count, deviceId, firstSeq, signedFirstSeq, signedCount, head, signature } of page) {
        if (signature === null || index + count <= start) continue;
        yield {
          index,
          count,
          device: deviceId,
          firstSeq,
          head: Buffer.from(head).toString('hex'),
          signature: Buffer.from(signature).toString('base64'),
          ...(signedFirstSeq === firstSeq
            ? {}
            : { statement: { firstSeq: signedFirstSeq, count: signedCount } }),
        };
      }
      next = (page.at(-1)?.index ?? end) + 1;
    }
  }

  private async *devices(
    within: Within,
    size: number,
    range: EntryRange,
    organisation: string,
  ): AsyncGenerator<DeviceLine> {
    for (let next = 0; next < size; ) {
      const page = await within((tx) => this.record.deviceKeys(tx, next, size));
      for (const { index, entry } of page) {
        const parsed = DeviceKeyEntry.safeParse(readJson(entry));
        if (!parsed.success) continue;
        const { device, publicKey } = parsed.data;
        const isInside = index >= range.from && index < range.to;
        yield {
          device,
          organisation,
          publicKey,
          from: index,
          ...(isInside ? {} : { entry: Buffer.from(entry).toString('base64') }),
        };
      }
      next = (page.at(-1)?.index ?? size) + 1;
    }
  }

  private async *privateParts(within: Within, { from, to }: EntryRange): AsyncGenerator<PrivateLine> {
    for (let next = from; next < to; ) {
      const page = await within((tx) => this.record.privateParts(tx, next, to));
      for (const { index, content } of page)
        yield { index, content: Buffer.from(content).toString('base64') };
      next = (page.at(-1)?.index ?? to) + 1;
    }
  }
}

type Within = <T>(work: (tx: TenantTransaction) => Promise<T>) => Promise<T>;

/** Whether a checkpoint is of the log with this name. */
export function isOf({ note }: StoredCheckpoint, origin: string): boolean {
  return note.startsWith(`${origin}\n`);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
