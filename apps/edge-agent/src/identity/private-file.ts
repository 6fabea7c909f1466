import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensurePrivateFolder } from '../store/private-folder.ts';

/**
 * Writes a file that only its owner may read: complete or not at all, on disk when this returns.
 * A folder that is missing is created 0700.
 */
export function writePrivateFile(path: string, content: string | Uint8Array): void {
  const folder = dirname(path);
  ensurePrivateFolder(folder);
  const draft = `${path}.${process.pid}.new`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
