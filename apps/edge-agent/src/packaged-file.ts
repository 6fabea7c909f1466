import { readFileSync } from 'node:fs';
import { getAsset, isSea } from 'node:sea';

/**
 * Reads a file that comes with the agent: from inside the executable when there is only that, otherwise from the
 * agent's package folder, which lies above the sources as well as above the compiled code.
 *
 * @param name path below the package folder, such as `data/signatures.json`
 */
export function readPackagedFile(name: string): string {
  return isSea() ? getAsset(name, 'utf8') : readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
}
