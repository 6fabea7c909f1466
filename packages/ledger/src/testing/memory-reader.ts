import type { ExportReader } from '../export/export-files.ts';
import { splitLines } from '../export/split-lines.ts';

/** Reads an export that is in memory. */
export function memoryReader(files: ReadonlyMap<string, Uint8Array>): ExportReader {
  return {
    read: async (path) => files.get(path),
    lines: (path) => splitLines([files.get(path) ?? new Uint8Array()]),
  };
}
