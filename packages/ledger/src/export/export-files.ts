import { RaypherError } from '@raypher/shared/errors';
import type { z } from 'zod';
import type { FaultLog } from './fault-log.ts';
import { EXPORT_FILES } from './format.ts';
import { LineCursor } from './line-cursor.ts';
import { Manifest } from './lines.ts';
import { parseJson } from './parse-json.ts';

/** Where an export is: a folder, an archive, memory. */
export interface ExportReader {
  /** A whole file, or undefined when there is none. Throws `ledger/malformed` for one that cannot be read. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The lines of a file, as `splitLines` gives them; none when there is no such file. */
  lines(path: string): AsyncIterable<string>;
}

/** The files of an export; what cannot be read is a fault. */
export class ExportFiles {
  readonly #reader: ExportReader;
  readonly #faults: FaultLog;

  constructor(reader: ExportReader, faults: FaultLog) {
    this.#reader = reader;
    this.#faults = faults;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#reader.read(path);
    } catch (error) {
      if (!(error instanceof RaypherError && error.code === 'ledger/malformed')) throw error;
      this.#faults.add({ code: 'malformed', path, detail: error.message });
      return undefined;
    }
  }

  /** A file that every export has, as text. */
  async text(path: string): Promise<string | undefined> {
    const bytes = await this.read(path);
    if (bytes === undefined) {
      this.#faults.add({ code: 'truncated', path, detail: `There is no ${path}.` });
      return undefined;
    }
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      this.#faults.add({ code: 'malformed', path, detail: `${path} is not UTF-8.` });
      return undefined;
    }
  }

  async manifest(): Promise<Manifest | undefined> {
    const path = EXPORT_FILES.manifest;
    const text = await this.text(path);
    if (text === undefined) return undefined;
    const parsed = Manifest.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    this.#faults.add({ code: 'malformed', path, detail: `${path} is not the manifest of an export.` });
    return undefined;
  }

  cursor<T>(path: string, shape: z.ZodType<T>): LineCursor<T> {
    return new LineCursor(this.#reader.lines(path), path, shape, this.#faults);
  }
}
