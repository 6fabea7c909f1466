import { chmodSync, closeSync, existsSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { RaypherError } from '@raypher/shared';
import { MIGRATIONS } from './migrations.ts';
import { ensurePrivateFolder } from './private-folder.ts';

export interface OpenedDatabase {
  db: DatabaseSync;
  /** Where a damaged file went, and what was wrong with it. */
  setAside: { path: string; reason: string } | undefined;
}

/**
 * Opens `agent.db`, checks it and brings its schema up to date.
 *
 * A damaged file is moved aside with a timestamp and a fresh one is started; the caller reports it.
 * Nothing is repaired or deleted.
 *
 * @param path of the file; a missing folder is created 0700, the file 0600
 * @param now milliseconds since the epoch, for the name of a file set aside
 */
export function openDatabase(path: string, now = Date.now()): OpenedDatabase {
  ensurePrivateFolder(dirname(path));
  const reason = existsSync(path) ? findDamage(path) : undefined;
  const damaged = reason === undefined ? undefined : { path: setAside(path, now), reason };
  // SQLite gives the write-ahead log the same mode as the database file.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path);
  configure(db);
  migrate(db);
  return { db, setAside: damaged };
}

/** Parsed once: each call that goes through the proxy begins and commits several times. */
const borders = new WeakMap<DatabaseSync, { begin: StatementSync; commit: StatementSync }>();

function bordersOf(db: DatabaseSync): { begin: StatementSync; commit: StatementSync } {
  const known = borders.get(db) ?? { begin: db.prepare('BEGIN IMMEDIATE'), commit: db.prepare('COMMIT') };
  borders.set(db, known);
  return known;
}

/** Runs `work` in one transaction; its error rolls everything back. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  const { begin, commit } = bordersOf(db);
  begin.run();
  try {
    const result = work();
    commit.run();
    return result;
  } catch (error) {
    // A failed COMMIT may already have rolled back.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** The same, and on the disk when it returns, also on a connection that does not wait for the disk otherwise. */
export function inDurableTransaction<T>(db: DatabaseSync, work: () => T): T {
  const before = Number(db.prepare('PRAGMA synchronous').get()?.synchronous ?? 2);
  db.exec('PRAGMA synchronous = FULL');
  try {
    return inTransaction(db, work);
  } finally {
    db.exec(`PRAGMA synchronous = ${before}`);
  }
}

/** What holds for every connection to the store. */
export function configure(db: DatabaseSync): void {
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA busy_timeout = 5000;
    PRAGMA trusted_schema = OFF;
    -- What is erased is overwritten, not only taken off the list of pages.
    PRAGMA secure_delete = ON;
  `);
}

function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  if (version > MIGRATIONS.length) {
    throw new RaypherError('store/corrupt', `The store was written by a newer version (schema ${version}).`, {
      hint: 'Install that version again, or start with another --data-dir.',
    });
  }
  MIGRATIONS.slice(version).forEach((sql, index) => {
    inTransaction(db, () => {
      db.exec(sql);
      db.exec(`PRAGMA user_version = ${version + index + 1}`);
    });
  });
}

/** What SQLite says is wrong with the file, or undefined. */
function findDamage(path: string): string | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec('PRAGMA busy_timeout = 5000');
    const verdict = db.prepare('PRAGMA integrity_check(1)').get()?.integrity_check;
    return verdict === 'ok' ? undefined : String(verdict);
  } catch (error) {
    // SQLITE_CORRUPT and SQLITE_NOTADB are damage; a locked or unreadable file is not.
    const code = sqliteCode(error);
    if (code === 11 || code === 26) return error instanceof Error ? error.message : String(error);
    throw error;
  } finally {
    db?.close();
  }
}

/** The primary result code of an error of node:sqlite (https://sqlite.org/rescode.html). */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}

function setAside(path: string, now: number): string {
  const stamp = new Date(now).toISOString().replaceAll(/[:.]/g, '-');
  const target = `${path}.corrupt-${stamp}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  }
  return target;
}
