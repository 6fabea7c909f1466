import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { EXPORT_FILES, type ExportReader } from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';
import { cannotRead, isMissing } from '../file-fault.ts';
import { folderReader } from './folder-reader.ts';
import { openZip } from './zip-reader.ts';

export interface OpenedExport {
  readonly reader: ExportReader;
  close(): void;
}

/**
 * Opens an export of a ledger: a folder, or a zip of one.
 *
 * @throws RaypherError `request/not-found` when there is nothing, `process/permission`, `request/invalid` when it is no export
 */
export async function openExport(path: string): Promise<OpenedExport> {
  const opened = await open(path);
  try {
    const [manifest, checkpoint] = await Promise.all(
      [EXPORT_FILES.manifest, EXPORT_FILES.checkpoint].map((name) => opened.reader.read(name)),
    );
    // One of them may have been taken away; where both are missing it is something else.
    if (manifest !== undefined || checkpoint !== undefined) return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
  opened.close();
  throw new RaypherError('request/invalid', `${path} is not an export of a ledger.`, {
    hint: 'An export has the files manifest.json and checkpoint; see docs/ledger-format.md.',
  });
}

async function open(path: string): Promise<OpenedExport> {
  try {
    const found = await stat(path);
    await access(path, found.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
    if (found.isDirectory()) return { reader: folderReader(path), close: () => {} };
  } catch (error) {
    if (!isMissing(error)) throw cannotRead(path, error);
    throw new RaypherError('request/not-found', `There is no ${path}.`, { cause: error });
  }
  return await openZip(path);
}
