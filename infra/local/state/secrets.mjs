import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { secretFile } from './private-files.mjs';

/** @returns {string} */
const random = () => randomBytes(24).toString('base64url');

/**
 * The secrets of an installation, created once. Programs are told where the files are, never what is in them.
 *
 * @param {string} folder
 */
export async function loadSecrets(folder) {
  /** @param {string} name */
  const password = async (name) => (await secretFile(join(folder, name), random)).toString('utf8');
  const masterKeyFile = join(folder, 'master-key');
  const authSecretFile = join(folder, 'auth-secret');
  // 32 bytes, raw: it encrypts the other keys at rest.
  await secretFile(masterKeyFile, () => randomBytes(32));
  await secretFile(authSecretFile, () => randomBytes(32).toString('base64url'));
  return {
    masterKeyFile,
    authSecretFile,
    postgres: await password('postgres-password'),
    redis: await password('redis-password'),
    roles: {
      owner: await password('database-owner-password'),
      app: await password('database-app-password'),
      ingest: await password('database-ingest-password'),
      auth: await password('database-auth-password'),
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof loadSecrets>>} Secrets */
