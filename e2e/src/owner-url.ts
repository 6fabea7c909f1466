import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from './product.ts';

/** A connection string of the database's superuser, who sees every row. */
export function ownerUrl(stack: Stack): string {
  const url = new URL(readFileSync(join(stack.dataDir, 'secrets', 'database-app-url'), 'utf8').trim());
  url.username = 'postgres';
  url.password = readFileSync(join(stack.dataDir, 'secrets', 'postgres-password'), 'utf8').trim();
  return url.href;
}
