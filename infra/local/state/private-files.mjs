import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * A folder that only its owner may enter.
 *
 * @param {string} path
 */
export async function privateFolder(path) {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
}

/**
 * Writes a file that only its owner may read, whole or not at all.
 *
 * @param {string} file
 * @param {string | Uint8Array} content
 */
export async function writePrivately(file, content) {
  const half = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(half, content, { mode: 0o600, flag: 'wx' });
  await rename(half, file);
}

/**
 * Reads a secret, or creates it the first time. It is never overwritten.
 *
 * @param {string} file
 * @param {() => string | Uint8Array} create
 * @returns {Promise<Buffer>}
 */
export async function secretFile(file, create) {
  const half = `${file}.${randomBytes(4).toString('hex')}`;
  await privateFolder(dirname(file));
  await writeFile(half, create(), { mode: 0o600, flag: 'wx' });
  try {
    await link(half, file);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
  } finally {
    await rm(half, { force: true });
  }
  return readFile(file);
}
