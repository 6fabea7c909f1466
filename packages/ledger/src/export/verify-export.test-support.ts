import { nodePrimitives } from '../node/node-primitives.ts';
import { memoryReader } from '../testing/memory-reader.ts';
import type { SampleLog } from '../testing/sample-log.ts';
import type { ExportReport } from './report.ts';
import { type VerifyExportOptions, verifyExport } from './verify-export.ts';

export type Files = Map<string, Uint8Array>;

/** What there is to say about files that shall be an export of this log. */
export async function verify(
  log: SampleLog,
  files: ReadonlyMap<string, Uint8Array>,
  options: VerifyExportOptions = {},
): Promise<ExportReport> {
  return await verifyExport(memoryReader(files), { vkey: log.vkey, primitives: nodePrimitives, ...options });
}

/** Each kind of fault there is, once. */
export function codes({ faults }: ExportReport): string[] {
  return Object.keys(faults.counts).sort();
}

export function json(bytes: Uint8Array | undefined) {
  return JSON.parse(new TextDecoder().decode(bytes));
}
