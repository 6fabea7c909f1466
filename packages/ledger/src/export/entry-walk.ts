import { bytesToHex } from '@noble/hashes/utils.js';
import { RaypherError } from '@raypher/shared/errors';
import { equalBytes } from '../merkle/equal-bytes.ts';
import { HASH_BYTES, leafHash } from '../merkle/hash.ts';
import type { Sha256 } from '../primitives/primitives.ts';
import { decodeEntryBundle } from '../tiles/entry-bundle.ts';
import { TILE_WIDTH } from '../tiles/tile-id.ts';
import { entryBundlePath, tilePath } from '../tiles/tile-path.ts';
import type { ControlRecord } from './control-record.ts';
import type { DeviceKeys } from './device-keys.ts';
import type { DeviceRecord } from './device-record.ts';
import type { ExportFiles } from './export-files.ts';
import type { FaultLog } from './fault-log.ts';
import type { PrivateRecord } from './private-record.ts';
import { readEntry } from './read-entry.ts';
import type { EntryRange } from './report.ts';
import type { StatementRecord } from './statement-record.ts';
import type { TreeWalk } from './tree-walk.ts';

export interface EntryWalkParts {
  readonly organisation: string | undefined;
  readonly range: EntryRange;
  readonly files: ExportFiles;
  readonly keys: DeviceKeys;
  readonly devices: DeviceRecord;
  readonly control: ControlRecord;
  readonly privateParts: PrivateRecord;
  readonly statements: StatementRecord;
  readonly tree: TreeWalk;
  readonly faults: FaultLog;
  readonly sha256: Sha256;
}

type Bundle = { readonly index: number; readonly width: number };

/** Goes through the entries, bundle by bundle: each is held to its leaf hash, and handed to the chain it is of. */
export class EntryWalk {
  readonly #parts: EntryWalkParts;
  readonly counts = { entries: 0, absent: 0, deviceEntries: 0 };

  constructor(parts: EntryWalkParts) {
    this.#parts = parts;
  }

  /** Entries outside the range that commit to keys come with `devices.ndjson`: they must be the leaves they say. */
  async proveKeysOutside(size: number): Promise<void> {
    const { keys } = this.#parts;
    let last: { index: number; hashes: Uint8Array | undefined } | undefined;
    for (const line of keys.lines) {
      if (line.outside === undefined) continue;
      const index = Math.floor(line.from / TILE_WIDTH);
      const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
      if (last?.index !== index) last = { index, hashes: await this.#tile({ index, width }) };
      const leaf = hashAt(last.hashes, line.from - index * TILE_WIDTH);
      if (leaf !== undefined && equalBytes(leaf, line.outside.leaf)) keys.prove(line);
    }
  }

  /**
   * Takes the next bundle.
   *
   * @param grown called with the size of the log after each entry
   * @returns false when there is neither a bundle nor a tile: nothing can be said of what comes after
   */
  async bundle(bundle: Bundle, grown: (size: number) => Promise<void>): Promise<boolean> {
    const { tree, faults, sha256 } = this.#parts;
    const start = bundle.index * TILE_WIDTH;
    const [entries, hashes] = await Promise.all([this.#entries(bundle), this.#tile(bundle)]);
    if (hashes === undefined) {
      const path = tilePath({ level: 0, ...bundle });
      const detail = 'A tile of leaf hashes is missing, or is not as long as the log needs it.';
      faults.add({ code: 'truncated', index: start, upTo: start + bundle.width, path, detail });
      if (entries === undefined) return false;
    }
    if (entries === undefined) this.#missing(bundle);
    for (let at = 0; at < bundle.width; at += 1) {
      const bytes = entries?.[at];
      const stored = hashAt(hashes, at);
      const computed = bytes === undefined ? undefined : leafHash(bytes, sha256);
      if (stored !== undefined && computed !== undefined && !equalBytes(stored, computed)) {
        const detail = 'This entry is not the one whose hash is in the tree.';
        faults.add({ code: 'leaf-mismatch', index: start + at, detail });
      }
      const leaf = stored ?? computed;
      if (leaf === undefined) return false;
      await tree.add(leaf);
      if (bytes !== undefined) await this.#entry(start + at, bytes);
      await grown(start + at + 1);
    }
    return true;
  }

  async #entry(index: number, bytes: Uint8Array): Promise<void> {
    const { organisation, keys, devices, control, privateParts, statements, faults, sha256 } = this.#parts;
    this.counts.entries += 1;
    const read = readEntry(bytes);
    keys.entryAt(index, read);
    if (read.kind === 'unreadable') {
      faults.add({ code: 'malformed', index, detail: 'What is in the log here is not an entry.' });
      await devices.otherEntry(index);
      return;
    }
    const { entry, isCanonical } = read;
    if (!isCanonical) {
      const detail = 'This entry is not written in the one form that RFC 8785 gives it.';
      faults.add({ code: 'not-canonical', index, detail });
    }
    if (entry.organisation !== organisation) {
      const detail = `This entry is of organisation ${entry.organisation}.`;
      faults.add({ code: 'wrong-organisation', index, detail });
    }
    const hash = bytesToHex(sha256(bytes));
    if (read.kind === 'device') {
      this.counts.deviceEntries += 1;
      const cover = await devices.deviceEntry(index, read.entry, hash);
      await statements.entry(index, read.entry, cover);
    } else {
      control.entry(index, read.entry, hash);
      await devices.otherEntry(index);
      statements.cut();
    }
    await privateParts.entry(index, entry.private);
  }

  #missing({ index, width }: Bundle): void {
    const { range, devices, control, statements, faults } = this.#parts;
    const start = index * TILE_WIDTH;
    this.counts.absent += width;
    devices.missing();
    control.missing();
    statements.cut();
    if (start >= range.to || start + width <= range.from) return;
    const path = entryBundlePath(index, width);
    const detail = `${width} entries from here on are missing, or cannot be read.`;
    faults.add({ code: 'entry-missing', index: start, path, detail });
  }

  async #entries(bundle: Bundle): Promise<Uint8Array[] | undefined> {
    const bytes = await this.#parts.files.read(entryBundlePath(bundle.index, bundle.width));
    if (bytes === undefined) return undefined;
    try {
      const entries = decodeEntryBundle(bytes);
      return entries.length === bundle.width ? entries : undefined;
    } catch (error) {
      if (!(error instanceof RaypherError)) throw error;
      return undefined;
    }
  }

  async #tile(bundle: Bundle): Promise<Uint8Array | undefined> {
    const bytes = await this.#parts.files.read(tilePath({ level: 0, ...bundle }));
    return bytes?.length === bundle.width * HASH_BYTES ? bytes : undefined;
  }
}

function hashAt(hashes: Uint8Array | undefined, at: number): Uint8Array | undefined {
  return hashes?.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
}
