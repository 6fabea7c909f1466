import { chmodSync, closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RaypherError } from '@raypher/shared';
import { isDenied } from '../file-fault.ts';
import { sqliteCode } from '../store/database.ts';
import { ensurePrivateFolder, notPermitted } from '../store/private-folder.ts';

/** SQLITE_BUSY */
const BUSY = 5;

/**
 * Makes sure that only one service works on a data folder.
 *
 * The lock is an exclusive SQLite transaction: the kernel holds it for the process and lets go when the
 * process ends, however it ends, so there is no stale lock and no pid to compare.
 *
 * @returns how to let go
 * @throws RaypherError `service/already-running`, `process/permission`, `config/invalid`
 */
export function acquireLock(path: string): () => void {
  ensurePrivateFolder(dirname(path));
  try {
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  } catch (cause) {
    if (!isDenied(cause)) throw cause;
    throw notPermitted(`This account may not use the folder ${dirname(path)}.`, cause);
  }
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    if (sqliteCode(cause) !== BUSY) throw cause;
    throw new RaypherError('service/already-running', `The service is already running on ${dirname(path)}.`, {
      hint: 'Stop it first, or use another --data-dir. `raypher status` shows it.',
      cause,
    });
  }
  return () => {
    if (db.isOpen) db.close();
  };
}
