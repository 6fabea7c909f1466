import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { encodeEntryBundle } from '../tiles/entry-bundle.ts';
import { bundlesOf, TILE_WIDTH, type TileId, tilesOf } from '../tiles/tile-id.ts';
import { entryBundlePath, tilePath } from '../tiles/tile-path.ts';
import { EXPORT_FILES, EXPORT_FORMAT } from './format.ts';
import type { AnchorLine, BatchLine, DeviceLine, Manifest, PrivateLine } from './lines.ts';
import type { EntryRange } from './report.ts';

type Lines<T> = AsyncIterable<T> | Iterable<T>;

/** What an export is made of; the caller reads it from wherever a log is kept. */
export interface ExportSource {
  readonly organisation: string;
  readonly origin: string;
  /** Entries at the newest checkpoint. */
  readonly size: number;
  /** Verifier key of the log. */
  readonly vkey: string;
  /** The newest signed checkpoint. */
  readonly checkpoint: string;
  /** Signed checkpoints that were kept, smallest first, the newest among them; all of `vkey`. */
  readonly checkpoints: Lines<string>;
  readonly exportedAt: Date;
  /** Entries whose bytes shall be in it; all, unless given. Whole bundles are written. */
  readonly range?: EntryRange;
  /** Why there are no others. */
  readonly reason?: string;
  /** The hashes of a tile, concatenated; may be wider. */
  readonly readTile: (id: TileId) => Promise<Uint8Array>;
  /** The bytes of `count` entries from an index on. */
  readonly readEntries: (index: number, count: number) => Promise<readonly Uint8Array[]>;
  /** In the order of their indexes, and only of entries in the range. */
  readonly batches: Lines<BatchLine>;
  readonly devices: Lines<DeviceLine>;
  readonly privateParts?: Lines<PrivateLine>;
  readonly anchors?: Lines<AnchorLine>;
}

export interface ExportPart {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Lines are given out in pieces of about this size. */
const PIECE_BYTES = 64 * 1024;

/**
 * Writes an export, part by part (docs/ledger-format.md). Parts of one path come one after the other and belong
 * behind each other in one file.
 */
export async function* writeExport(source: ExportSource): AsyncGenerator<ExportPart> {
  const { organisation, origin, size, range = { from: 0, to: size }, reason, exportedAt } = source;
  const manifest: Manifest = {
    format: EXPORT_FORMAT,
    organisation,
    origin,
    size,
    exportedAt: exportedAt.toISOString(),
    range,
    ...(reason === undefined ? {} : { reason }),
  };
  yield textPart(EXPORT_FILES.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
  yield textPart(EXPORT_FILES.key, `${source.vkey}\n`);
  yield textPart(EXPORT_FILES.checkpoint, source.checkpoint);
  yield* lineParts(EXPORT_FILES.checkpoints, source.checkpoints);
  yield* lineParts(EXPORT_FILES.devices, source.devices);
  yield* lineParts(EXPORT_FILES.batches, source.batches);
  if (source.privateParts !== undefined) yield* lineParts(EXPORT_FILES.privateParts, source.privateParts);
  if (source.anchors !== undefined) yield* lineParts(EXPORT_FILES.anchors, source.anchors);
  for (const id of tilesOf(size)) {
    const hashes = await source.readTile(id);
    yield { path: tilePath(id), bytes: hashes.subarray(0, id.width * 32) };
  }
  for (const { index, width } of bundlesOf(size)) {
    const start = index * TILE_WIDTH;
    if (start >= range.to || start + width <= range.from) continue;
    const entries = await source.readEntries(start, width);
    yield { path: entryBundlePath(index, width), bytes: encodeEntryBundle(entries) };
  }
}

function textPart(path: string, text: string): ExportPart {
  return { path, bytes: utf8ToBytes(text) };
}

async function* lineParts(path: string, lines: Lines<unknown>): AsyncGenerator<ExportPart> {
  let piece: Uint8Array[] = [];
  let length = 0;
  for await (const line of lines) {
    const bytes = utf8ToBytes(`${JSON.stringify(line)}\n`);
    piece.push(bytes);
    length += bytes.length;
    if (length < PIECE_BYTES) continue;
    yield { path, bytes: concatBytes(...piece) };
    [piece, length] = [[], 0];
  }
  // Also a file without lines is there.
  yield { path, bytes: concatBytes(...piece) };
}
