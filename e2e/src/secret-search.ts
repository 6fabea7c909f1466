import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

/** How somebody who searches would write a secret: as it is, and as the encodings that programs use. */
function spellings(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  const utf16 = Buffer.from(secret, 'utf16le');
  return [
    bytes,
    utf16,
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('base64').replace(/.{2}=*$/, '')),
    Buffer.from(encodeURIComponent(secret)),
  ];
}

/** @returns the files below a folder that hold the secret, whatever they are */
export function filesHolding(secret: string, folder: string): string[] {
  const wanted = spellings(secret);
  return filesBelow(folder).filter((path) => {
    const content = orGone(() => readFileSync(path)) ?? Buffer.alloc(0);
    return wanted.some((spelling) => content.includes(spelling));
  });
}

function filesBelow(folder: string): string[] {
  const entries = orGone(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return statSync(path, { throwIfNoEntry: false })?.isFile() ? [path] : [];
  });
}

/** Databases that run remove files at any time: what is gone holds nothing. */
function orGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns processes whose arguments or environment hold the secret */
export function processesHolding(secret: string): string[] {
  const wanted = spellings(secret);
  const holding: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const file of ['environ', 'cmdline']) {
      try {
        const content = readFileSync(`/proc/${pid}/${file}`);
        if (wanted.some((spelling) => content.includes(spelling))) holding.push(`${pid}/${file}`);
      } catch {
        // It ended meanwhile, or is not ours to read.
      }
    }
  }
  return holding;
}

/** @returns tables of the control plane with a row that holds the secret */
export async function tablesHolding(secret: string, connectionString: string): Promise<string[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT LIKE 'pg\\_%' AND schemaname <> 'information_schema'",
    );
    const holding: string[] = [];
    for (const { name } of rows) {
      // As text: bytea comes out in hex, which is one of the spellings.
      const found = await client.query(
        `SELECT 1 FROM ${name} AS t WHERE ${spellings(secret)
          .filter((spelling) => !spelling.includes(0))
          .map((_, index) => `position($${index + 1} IN t::text) > 0`)
          .join(' OR ')} LIMIT 1`,
        spellings(secret)
          .filter((spelling) => !spelling.includes(0))
          .map(String),
      );
      if (found.rowCount !== 0) holding.push(name);
    }
    return holding;
  } finally {
    await client.end();
  }
}
