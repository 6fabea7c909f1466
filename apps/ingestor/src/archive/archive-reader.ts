import { type ExportReader, lineParts, linePartsFolder, splitLines } from '@raypher/ledger';
import { archiveFolder } from './archive-layout.ts';
import type { ArchiveStore } from './archive-store.ts';

/** Reads the archive of an organisation as the export that it is; files of lines are in parts there. */
export function archiveReader(store: ArchiveStore, organisationId: string): ExportReader {
  const folder = archiveFolder(organisationId);

  async function* pieces(path: string): AsyncGenerator<Uint8Array> {
    const names: string[] = [];
    for await (const name of store.list(`${folder}${linePartsFolder(path)}`))
      names.push(name.slice(folder.length));
    for (const part of lineParts(path, names))
      yield (await store.read(`${folder}${part}`)) ?? new Uint8Array();
  }

  return {
    read: (path) => store.read(`${folder}${path}`),
    lines: (path) => splitLines(pieces(path)),
  };
}
