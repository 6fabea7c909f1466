import {
  EXPORT_FILES,
  EXPORT_FORMAT,
  type ExportReader,
  type ExportSource,
  encodeEntryBundle,
  parseEntryBundlePath,
  parseTilePath,
} from '@raypher/ledger';

const TILE_WIDTH = 256;
const HASH_BYTES = 32;

/** Reads the stored record as if it had been exported: what verifies exports verifies it, too. */
export function sourceReader(source: ExportSource): ExportReader {
  const { organisation, origin, size, exportedAt, range = { from: 0, to: size } } = source;
  const manifest = {
    format: EXPORT_FORMAT,
    organisation,
    origin,
    size,
    exportedAt: exportedAt.toISOString(),
    range,
  };
  const texts = new Map<string, string>([
    [EXPORT_FILES.manifest, JSON.stringify(manifest)],
    [EXPORT_FILES.key, `${source.vkey}\n`],
    [EXPORT_FILES.checkpoint, source.checkpoint],
  ]);
  const lists = new Map<string, AsyncIterable<unknown> | Iterable<unknown>>([
    [EXPORT_FILES.checkpoints, source.checkpoints],
    [EXPORT_FILES.devices, source.devices],
    [EXPORT_FILES.batches, source.batches],
    [EXPORT_FILES.privateParts, source.privateParts ?? []],
  ]);
  return {
    async read(path) {
      const text = texts.get(path);
      if (text !== undefined) return Buffer.from(text);
      const tile = parseTilePath(path);
      if (tile !== undefined) {
        const hashes = (await source.readTile(tile)).subarray(0, tile.width * HASH_BYTES);
        return hashes.length === 0 ? undefined : hashes;
      }
      const bundle = parseEntryBundlePath(path);
      if (bundle === undefined) return undefined;
      const start = bundle.index * TILE_WIDTH;
      if (start >= range.to || start + bundle.width <= range.from) return undefined;
      return encodeEntryBundle(await source.readEntries(start, bundle.width));
    },
    async *lines(path) {
      for await (const line of lists.get(path) ?? []) yield JSON.stringify(line);
    },
  };
}
