import { execFile } from 'node:child_process';
import { access, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Account } from '../processes/account.ts';

const run = promisify(execFile);

export interface ClusterOptions {
  initdb: string;
  dataDir: string;
  account: Account | undefined;
  superuser: string;
  password: string;
  fsync: boolean;
}

/** Whether `dataDir` holds a cluster already. */
export async function isInitialised(dataDir: string): Promise<boolean> {
  return access(join(dataDir, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

/** Creates a cluster whose sorting does not depend on the machine's locales and whose logins all need a password. */
export async function initialiseCluster(options: ClusterOptions): Promise<void> {
  const { initdb, dataDir, account, superuser, password, fsync } = options;
  await withPasswordFile(password, account, (file) =>
    run(
      initdb,
      [
        `--pgdata=${dataDir}`,
        `--username=${superuser}`,
        `--pwfile=${file}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--locale=C.UTF-8',
        '--lc-messages=C',
        ...(fsync ? [] : ['--no-sync']),
      ],
      {
        env: { PATH: process.env.PATH, LC_MESSAGES: 'C', TZ: 'UTC' },
        cwd: tmpdir(),
        ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
      },
    ),
  );
}

/** Removes the password file even when `use` fails. */
async function withPasswordFile<T>(
  password: string,
  account: Account | undefined,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'raypher-initdb-'));
  try {
    const file = join(folder, 'password');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    if (account !== undefined) {
      await chown(folder, account.uid, account.gid);
      await chown(file, account.uid, account.gid);
    }
    return await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
