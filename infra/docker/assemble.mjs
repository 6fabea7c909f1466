import { constants, existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { productionPackages } from './production-packages.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Compiled tests and what only they use; what compilers keep for themselves. */
const NOT_SHIPPED = /\.test\.|\.tsbuildinfo$|[/\\]testing$|[/\\]\.next[/\\](cache|trace|dev)$/;

/** What an image holds of its own workspace, and of the repository, besides `dist`. */
const APPS = /** @type {const} */ ({
  ingestor: {
    workspace: 'apps/ingestor',
    parts: ['dist'],
    more: ['prisma/migrations', 'infra/docker/healthcheck.mjs'],
  },
  web: {
    workspace: 'apps/web',
    parts: ['.next', 'server.mjs', 'next.config.ts', 'src/server'],
    more: ['infra/docker/healthcheck.mjs'],
  },
});

/**
 * Puts together what runs in an image: the built workspace, the workspaces it depends on, and the packages of
 * package-lock.json that production needs, as they are installed. Nothing that is only for building or testing.
 *
 * @param {keyof typeof APPS} app
 * @param {string} out - a folder that does not exist yet, or is empty.
 */
export async function assemble(app, out) {
  const { workspace, parts, more } = APPS[app];
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
  const { workspaces, packages } = productionPackages(lock, workspace, (path) =>
    existsSync(join(ROOT, path)),
  );
  for (const part of [...parts, 'package.json']) await take(join(workspace, part), out);
  for (const path of more) await take(path, out);
  for (const { name, path } of workspaces) {
    await take(join(path, 'package.json'), out);
    await take(join(path, 'dist'), out);
    const link = join(out, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(relative(dirname(link), join(out, path)), link);
  }
  for (const path of packages) await takePackage(path, out);
}

/**
 * @param {string} path - below the repository's root.
 * @param {string} out
 */
async function take(path, out) {
  if (!existsSync(join(ROOT, path)))
    throw new Error(`${path} is not there: build the product first (npm run build)`);
  await cp(join(ROOT, path), join(out, path), {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (source) => !NOT_SHIPPED.test(source),
  });
}

/**
 * A package without those that are installed below it: they are asked for by themselves.
 *
 * @param {string} path
 * @param {string} out
 */
async function takePackage(path, out) {
  const from = join(ROOT, path);
  const below = join(from, 'node_modules');
  await cp(from, join(out, path), {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (source) => source !== below,
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [app, out] = process.argv.slice(2);
  if ((app !== 'ingestor' && app !== 'web') || out === undefined) {
    console.error('Use: node infra/docker/assemble.mjs ingestor|web FOLDER');
    process.exit(2);
  }
  await assemble(app, resolve(out));
}
