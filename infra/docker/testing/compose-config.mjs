import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { findOnPath } from '../../local/bootstrap/prerequisites.mjs';

const run = promisify(execFile);

export const COMPOSE_FILE = fileURLToPath(new URL('../../compose.yaml', import.meta.url));

/**
 * @typedef {object} Service
 * @property {string[]} [command]
 * @property {Record<string, string>} [environment]
 * @property {(string | { source: string })[]} [secrets]
 * @property {{ published: number, target: number }[]} [ports]
 * @property {string} [user]
 * @property {boolean} [read_only]
 * @property {boolean} [privileged]
 * @property {string[]} [cap_drop]
 * @property {string[]} [security_opt]
 * @property {Record<string, unknown>} [networks]
 * @property {{ resources?: { limits?: { memory?: string, cpus?: number } } }} [deploy]
 */

/**
 * What `docker-compose config` makes of a file: checked against its schema, with everything filled in.
 *
 * @param {string} [file]
 * @param {Record<string, string>} [env]
 * @returns {Promise<{ services: Record<string, Service>, secrets: Record<string, { file: string }> }>}
 * @throws with what it says is wrong.
 */
export async function composeConfig(file = COMPOSE_FILE, env = { RAYPHER_HOST: 'raypher.example.com' }) {
  const command = findOnPath('docker-compose');
  if (command === undefined) throw new Error('docker-compose is not installed');
  const { stdout } = await run(command, ['-f', file, 'config'], { env: { PATH: process.env.PATH, ...env } });
  return parse(stdout);
}
