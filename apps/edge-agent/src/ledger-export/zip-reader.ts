import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { lineParts, splitLines } from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { printable } from '../cli/output.ts';
import { MAX_FILE_BYTES, unreadableFile } from './file-limit.ts';
import type { OpenedExport } from './open-export.ts';

/** More would be a log of over 100 million entries, whose list of files alone takes hundreds of megabytes. */
const MAX_FILES = 1_000_000;
const MANIFEST = 'manifest.json';

/**
 * Reads an export that is a zip, or a zip of one folder with it. Nothing is written to disk; a file is decompressed
 * when it is asked for, and never further than its declared size, which is bounded.
 *
 * @throws RaypherError `request/invalid` when it cannot be read as a zip, or has two files of one name
 */
export async function openZip(path: string): Promise<OpenedExport> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true });
    return readerOf(zip, await listFiles(zip));
  } catch (error) {
    zip?.close();
    if (error instanceof RaypherError) throw error;
    const why = (error instanceof Error ? error.message : String(error)).replace(/\.+$/, '');
    throw new RaypherError('request/invalid', `${path} cannot be read as a zip: ${printable(why)}.`, {
      hint: 'Give a folder with an export, or a zip of one.',
      cause: error,
    });
  }
}

async function listFiles(zip: ZipFile): Promise<Map<string, Entry>> {
  if (zip.entryCount > MAX_FILES) throw notReadable(`has ${zip.entryCount} files, more than ${MAX_FILES}`);
  const files = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue;
    // Which of two is meant would depend on the program that reads it.
    if (files.has(entry.fileName)) throw notReadable(`has two files called ${printable(entry.fileName)}`);
    files.set(entry.fileName, entry);
  }
  return files;
}

function readerOf(zip: ZipFile, files: ReadonlyMap<string, Entry>): OpenedExport {
  const prefix = prefixOf(files);
  const openEntry = async (path: string): Promise<{ entry: Entry; stream: Readable } | undefined> => {
    const entry = files.get(prefix + path);
    if (entry === undefined) return undefined;
    try {
      return { entry, stream: await zip.openReadStreamPromise(entry) };
    } catch (error) {
      throw unreadableFile(path, 'cannot be read from the zip.', error);
    }
  };
  async function* piecesOf(paths: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const path of paths) {
      const opened = await openEntry(path);
      if (opened !== undefined) yield* pieces(path, opened.stream);
    }
  }
  return {
    reader: {
      async read(path) {
        const declared = files.get(prefix + path)?.uncompressedSize ?? 0;
        if (declared > MAX_FILE_BYTES) throw unreadableFile(path, `is too long: ${declared} bytes.`);
        const opened = await openEntry(path);
        return opened === undefined ? undefined : await decompressed(path, () => buffer(opened.stream));
      },
      async *lines(path) {
        const names = [...files.keys()]
          .filter((name) => name.startsWith(prefix))
          .map((name) => name.slice(prefix.length));
        const parts = files.has(prefix + path) ? [path] : lineParts(path, names);
        yield* splitLines(piecesOf(parts));
      },
    },
    close: () => zip.close(),
  };
}

async function* pieces(path: string, stream: Readable): AsyncGenerator<Uint8Array> {
  const chunks = stream[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await decompressed(path, () => chunks.next());
    if (done === true) return;
    yield value;
  }
}

/** What is wrong with compressed data, or with how much of it there is, is a fault of this one file. */
async function decompressed<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadableFile(path, 'is damaged within the zip.', error);
  }
}

/** Where the export is: at the top, or in the one folder that has a manifest. */
function prefixOf(files: ReadonlyMap<string, Entry>): string {
  if (files.has(MANIFEST)) return '';
  const manifests = [...files.keys()].filter((name) => name.endsWith(`/${MANIFEST}`));
  return manifests.length === 1 ? (manifests[0]?.slice(0, -MANIFEST.length) ?? '') : '';
}

function notReadable(why: string): RaypherError {
  return new RaypherError('request/invalid', `The zip ${why}.`);
}
