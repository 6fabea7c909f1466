import { existsSync } from 'node:fs';
import { DEFAULT_CONFIG, SYSTEM_DATA_DIR } from './config.ts';

/**
 * What to do where nothing was found in a user's own folder because the service is one of the system. Its folder is
 * closed to that user, but that it exists can be seen.
 *
 * @returns undefined when another folder was named, or the system has none
 */
export function systemServiceHint(
  dataDir: string,
  { own, system } = { own: DEFAULT_CONFIG.dataDir, system: SYSTEM_DATA_DIR },
): string | undefined {
  if (dataDir !== own || own === system || !existsSync(system)) return undefined;
  return `A service of this system is installed, with its data in ${system}: run this with sudo, or name the folder that you mean with --data-dir.`;
}
