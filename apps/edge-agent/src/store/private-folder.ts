import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { RaypherError } from '@raypher/shared';

/** Group or others may write. */
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Makes sure that a folder for private files is there: created 0700, or left as it is when it exists. What is put
 * into it has a mode of its own; what must not be is that somebody else can swap the files.
 *
 * @throws RaypherError `config/invalid` when others can replace files in it, or it is somebody else's
 */
export function ensurePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(path);
  const isStrange = uid !== process.geteuid?.() && uid !== 0;
  // In a folder for everybody (/tmp) somebody else may have made this one first.
  if (isStrange && (statSync(dirname(path)).mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new RaypherError('config/invalid', `${path} belongs to another user.`, {
      hint: 'Choose another --data-dir, or run as the user that the folder belongs to.',
    });
  }
  if ((mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0) return;
  throw new RaypherError('config/invalid', `Other users can write to ${path}.`, {
    hint: `Run \`chmod 700 ${path}\`, or choose another --data-dir.`,
  });
}
