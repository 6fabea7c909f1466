import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Migration {
  /** The folder's name: sorts in the order of application. */
  name: string;
  sql: string;
  /** SHA-256 of the file's bytes, lower-case hex: what Prisma records too. */
  checksum: string;
  /** False when the file asks to run outside a transaction (`CREATE INDEX CONCURRENTLY`). */
  transactional: boolean;
}

const OUTSIDE_TRANSACTION = /^--\s*raypher:\s*no-transaction\s*$/m;

/** Reads `<directory>/<name>/migration.sql` in the order of their names. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const bytes = await readFile(join(directory, name, 'migration.sql'));
      const sql = bytes.toString('utf8');
      return {
        name,
        sql,
        checksum: createHash('sha256').update(bytes).digest('hex'),
        transactional: !OUTSIDE_TRANSACTION.test(sql),
      };
    }),
  );
}
