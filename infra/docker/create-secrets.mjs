import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROLES = /** @type {const} */ ({
  owner: 'raypher_owner',
  app: 'raypher_app',
  ingest: 'raypher_ingest',
  auth: 'raypher_auth',
});

/**
 * Writes every secret of an installation, each into a file of its own. What is there already stays: running it again
 * completes, and never replaces a key.
 *
 * The folder is closed to others (0700). The files in it are readable (0444), because a container sees each of them
 * alone and under an account of its own.
 *
 * @param {string} folder
 * @param {object} options
 * @param {string} options.email - of the first administrator.
 * @param {string} [options.organisation]
 * @param {string} [options.postgres] - HOST:PORT.
 * @param {string} [options.redis] - HOST:PORT.
 * @returns {Promise<string[]>} the files that are new.
 */
export async function createSecrets(
  folder,
  { email, organisation = 'My organisation', postgres = 'postgres:5432', redis = 'redis:6379' },
) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const word = () => randomBytes(24).toString('base64url');
  const [superuser, redisPassword] = [word(), word()];
  /** @param {string} user @param {string} password @param {string} database */
  const url = (user, password, database) => `postgres://${user}:${password}@${postgres}/${database}`;
  // What belongs together is written together, so that a URL never disagrees with the server's own password.
  const groups = [
    { 'master-key': randomBytes(32).toString('hex') },
    { 'auth-secret': randomBytes(32).toString('hex') },
    {
      'postgres-password': superuser,
      'database-admin-url': url('postgres', superuser, 'postgres'),
      'database-owner-url': url(ROLES.owner, word(), 'raypher'),
      'database-app-url': url(ROLES.app, word(), 'raypher'),
      'database-auth-url': url(ROLES.auth, word(), 'raypher'),
      'database-ingest-url': url(ROLES.ingest, word(), 'raypher'),
    },
    {
      'redis.conf': `requirepass ${redisPassword}\nappendonly yes\nmaxmemory-policy noeviction\n`,
      'redis-url': `redis://:${redisPassword}@${redis}`,
    },
    {
      'setup.json': `${JSON.stringify({ organisation, email, password: randomBytes(12).toString('base64url') })}\n`,
    },
  ];
  const created = [];
  for (const group of groups) {
    const [first = ''] = Object.keys(group);
    if (!(await writeOnce(join(folder, first), Object.values(group)[0] ?? ''))) continue;
    created.push(first);
    for (const [name, content] of Object.entries(group).slice(1)) {
      await writeOnce(join(folder, name), content);
      created.push(name);
    }
  }
  return created;
}

/**
 * @param {string} file
 * @param {string} content
 * @returns {Promise<boolean>} false when there is one.
 */
async function writeOnce(file, content) {
  try {
    await writeFile(file, content, { mode: 0o444, flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function readArguments() {
  let wrong = '';
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        email: { type: 'string' },
        organisation: { type: 'string' },
        postgres: { type: 'string' },
        redis: { type: 'string' },
      },
    });
    const [folder] = positionals;
    const { email, ...rest } = values;
    if (folder !== undefined && email !== undefined) return { folder, email, ...rest };
  } catch (error) {
    wrong = `${error instanceof Error ? error.message : error}\n`;
  }
  console.error(
    `${wrong}Use: node infra/docker/create-secrets.mjs FOLDER --email ADDRESS [--organisation NAME] [--postgres HOST:PORT] [--redis HOST:PORT]`,
  );
  process.exit(2);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { folder, email, ...rest } = readArguments();
  const created = await createSecrets(resolve(folder), { email, ...rest });
  console.log(created.length === 0 ? 'Everything is there already.' : `Created ${created.join(', ')}.`);
  if (created.includes('setup.json')) console.log(`The first password is in ${join(folder, 'setup.json')}.`);
}
