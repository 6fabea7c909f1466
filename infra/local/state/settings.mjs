import { readFile } from 'node:fs/promises';
import { writePrivately } from './private-files.mjs';

/**
 * What an installation remembers from one start to the next.
 *
 * @typedef {object} Settings
 * @property {Partial<import('./ports.mjs').Ports>} ports
 * @property {string | undefined} administrator - the first administrator's e-mail address, once there is one.
 * @property {boolean} enrolled - whether this machine's edge agent is enrolled.
 */

/**
 * @param {string} file
 * @returns {Promise<Settings>}
 */
export async function loadSettings(file) {
  /** @type {Partial<Settings>} */
  let stored = {};
  try {
    stored = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
  }
  return {
    ports: stored.ports ?? {},
    administrator: stored.administrator,
    enrolled: stored.enrolled ?? false,
  };
}

/**
 * @param {string} file
 * @param {Settings} settings
 */
export async function saveSettings(file, settings) {
  await writePrivately(file, `${JSON.stringify(settings, null, 2)}\n`);
}
