import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExportReader, lineParts, linePartsFolder, splitLines } from '@raypher/ledger';
import { errorCode } from '../discovery/procfs.ts';
import { MAX_FILE_BYTES, unreadableFile } from './file-limit.ts';

/** Not through a link that leads out of the export, and without waiting at a pipe. Windows knows neither. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Reads an export that is a folder, or a copy of an archive, which has its files of lines in parts. Paths are the
 * verifier's own, and of parts those that could have been written; nothing in the export names another file.
 */
export function folderReader(folder: string): ExportReader {
  return {
    async read(path) {
      await using file = await openPlain(folder, path);
      if (file === undefined) return undefined;
      const { size } = await file.stat();
      if (size > MAX_FILE_BYTES) throw unreadableFile(path, `is too long: ${size} bytes.`);
      return await file.readFile();
    },
    async *lines(path) {
      await using file = await openPlain(folder, path);
      if (file === undefined) yield* splitLines(partsOf(folder, path));
      else yield* splitLines(file.createReadStream({ autoClose: false }));
    },
  };
}

async function* partsOf(folder: string, path: string): AsyncGenerator<Uint8Array> {
  for (const part of lineParts(path, await namesIn(folder, linePartsFolder(path)))) {
    await using file = await openPlain(folder, part);
    if (file !== undefined) yield* file.createReadStream({ autoClose: false });
  }
}

async function namesIn(folder: string, parts: string): Promise<string[]> {
  try {
    return (await readdir(join(folder, parts))).map((name) => `${parts}${name}`);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw unreadableFile(parts, `cannot be opened: ${code}.`, error);
  }
}

async function openPlain(folder: string, path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(join(folder, path), FLAGS);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadableFile(path, `cannot be opened: ${code}.`, error);
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw unreadableFile(path, 'is not a plain file.');
}
