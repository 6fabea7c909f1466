import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { isDenied } from '../file-fault.ts';

/** Group or others may write. */
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Makes sure that a folder for private files is there: created 0700, or left as it is when it exists. What is put
 * into it has a mode of its own; what must not be is that somebody else can swap the files.
 *
 * @throws RaypherError `config/invalid` when it is a file, others can replace files in it, or it is somebody else's;
 *   `process/permission`
 */
export function ensurePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw notMade(path, cause);
  }
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

/** mkdir(2); what else happens is no fault of the path. */
const NO_FOLDER: Readonly<Record<string, string>> = {
  EEXIST: 'is a file',
  ENOTDIR: 'leads through a file',
};

function notMade(path: string, cause: unknown): unknown {
  if (isDenied(cause)) return notPermitted(`${path} cannot be made: this account may not.`, cause);
  const why = cause instanceof Error && 'code' in cause ? NO_FOLDER[String(cause.code)] : undefined;
  if (why === undefined) return cause;
  return new RaypherError('config/invalid', `${path} ${why}; a folder is needed.`, {
    hint: 'Choose another --data-dir.',
    cause,
  });
}

/** For who may not use a folder of the agent. */
export function notPermitted(message: string, cause: unknown): RaypherError {
  return new RaypherError('process/permission', message, {
    hint: 'Run this with sudo, or name another folder with --data-dir.',
    cause,
  });
}
