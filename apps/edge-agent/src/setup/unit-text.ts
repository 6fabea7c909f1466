import { RaypherError } from '@raypher/shared';
import { readPackagedFile } from '../packaged-file.ts';

const STATE_DIRECTORY = '/var/lib/raypher';

/**
 * The unit for this installation: the packaged one, with the command and the data folder of this machine.
 *
 * @param command program and arguments, absolute
 */
export function unitText(command: readonly string[], dataDir: string): string {
  const packaged = readPackagedFile('packaging/systemd/raypher.service');
  const withCommand = packaged.replace(/^ExecStart=.*$/m, () => `ExecStart=${command.map(quote).join(' ')}`);
  if (dataDir === STATE_DIRECTORY) return withCommand;
  // Everything but the data folder is read-only for the service, and systemd makes only its own.
  return withCommand.replace(/^StateDirectory=.*\nStateDirectoryMode=.*$/m, () =>
    [`Environment=${quote(`RAYPHER_DATA_DIR=${dataDir}`)}`, `ReadWritePaths=${quote(dataDir)}`].join('\n'),
  );
}

/** systemd.syntax(7): `%` and `$` are expanded also inside quotes. */
function quote(word: string): string {
  if (/[\n\r\0]/.test(word)) {
    throw new RaypherError('config/invalid', 'The path of a service cannot have more than one line.');
  }
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[A-Za-z0-9/._=%-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll(/["\\]/g, '\\$&')}"`;
}
