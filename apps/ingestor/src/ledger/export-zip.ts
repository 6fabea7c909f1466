import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { type ExportSource, writeExport } from '@raypher/ledger';
import yazl from 'yazl';

/** An export as a zip, made while it is read: nothing but the list of its files is kept. */
export function zipExport(source: ExportSource): Readable {
  const zip = new yazl.ZipFile();
  const output = new PassThrough();
  zip.outputStream.pipe(output);
  const stop = (error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error)));
  zip.on('error', stop);
  write(zip, output, source).catch(stop);
  return output;
}

async function write(zip: yazl.ZipFile, output: PassThrough, source: ExportSource): Promise<void> {
  let file: { path: string; content: PassThrough } | undefined;
  for await (const { path, bytes } of writeExport(source)) {
    if (output.destroyed) return;
    if (file?.path !== path) {
      file?.content.end();
      file = { path, content: new PassThrough() };
      zip.addReadStream(file.content, path, { compress: true, mtime: source.exportedAt });
    }
    // Nobody may read any more: then there is nothing to wait for.
    if (!file.content.write(bytes)) await Promise.race([once(file.content, 'drain'), once(output, 'close')]);
  }
  file?.content.end();
  zip.end();
}
