import { buffer } from 'node:stream/consumers';
import { fromBufferPromise } from 'yauzl';

/** The files of an export, by path. */
export type ExportFiles = Map<string, Buffer>;

/** Reads a zip into memory: the exports of tests are small. */
export async function readZip(zip: Buffer): Promise<ExportFiles> {
  const file = await fromBufferPromise(zip, { lazyEntries: true });
  const files: ExportFiles = new Map();
  for await (const entry of file.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue;
    files.set(entry.fileName, await buffer(await file.openReadStreamPromise(entry)));
  }
  return files;
}
