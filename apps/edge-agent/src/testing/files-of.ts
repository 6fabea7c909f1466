import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What the files of a folder hold, byte for byte. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'));
}
