import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { FriendlyError } from '../friendly-error.mjs';

/**
 * Makes sure that only one start uses a data folder.
 *
 * The lock is SQLite's lock on an empty database: the kernel gives it back when we die, however we die, so a stale
 * lock cannot exist and two starts cannot both take over an old one.
 *
 * @param {string} file
 * @returns {() => void} gives the lock back.
 */
export function takeLock(file) {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (!(cause instanceof Error) || !/locked/.test(cause.message)) throw cause;
    throw new FriendlyError(
      `Raypher runs already on this data folder${holder(file)}.`,
      'Stop that one with Ctrl-C first, or choose another folder: npm start -- --data-dir DIR',
      5,
    );
  }
  writeFileSync(`${file}.pid`, String(process.pid), { mode: 0o600 });
  return () => {
    rmSync(`${file}.pid`, { force: true });
    database.close();
  };
}

/** @param {string} file */
function holder(file) {
  try {
    return ` (process ${readFileSync(`${file}.pid`, 'utf8')})`;
  } catch {
    return '';
  }
}
