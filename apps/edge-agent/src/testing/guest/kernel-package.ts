import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A kernel of Debian's, fetched from the package archive that this machine is set up with, and kept.
 *
 * @param series such as "6.1"
 * @param cache folder that outlives test runs
 * @returns the file to boot
 * @throws Error with the reason why there is none
 */
export function fetchKernel(series: string, cache: string): string {
  const name = newestPackage(series);
  const folder = join(cache, name);
  if (!existsSync(folder)) download(name, folder, cache);
  const image = readdirSync(join(folder, 'boot')).find((file) => file.startsWith('vmlinuz-'));
  if (image === undefined) throw new Error(`the package ${name} has no kernel in it`);
  return join(folder, 'boot', image);
}

/** Debian names its packages linux-image-6.1.0-57-cloud-amd64 and linux-image-6.12.117+deb12-cloud-amd64. */
function newestPackage(series: string): string {
  const pattern = `^linux-image-${series.replaceAll('.', '\\.')}\\.[0-9][0-9a-z.+~-]*-cloud-amd64$`;
  let found = names(pattern);
  if (found.length === 0) {
    // The package lists may be missing (a fresh container).
    run('apt-get', ['update']);
    found = names(pattern);
  }
  const newest = found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (newest === undefined) throw new Error(`the package archive has no kernel ${series} for cloud machines`);
  return newest;
}

function names(pattern: string): string[] {
  return run('apt-cache', ['search', '--names-only', pattern])
    .split('\n')
    .flatMap((line) => line.split(' ')[0] || []);
}

function download(name: string, folder: string, cache: string): void {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'fetch-'));
  // apt gives up its privileges to download, where it can.
  chmodSync(work, 0o777);
  try {
    run('apt-get', ['download', name], work);
    const file = readdirSync(work).find((each) => each.endsWith('.deb'));
    if (file === undefined) throw new Error(`apt-get downloaded no ${name}`);
    run('dpkg-deb', ['--extract', join(work, file), join(work, 'content')]);
    rmSync(join(work, 'content', 'lib'), { recursive: true, force: true });
    renameSync(join(work, 'content'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[], cwd?: string): string {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    cwd,
    timeout: 120_000,
  });
  if (error !== undefined) throw new Error(`${program} cannot be started`, { cause: error });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} failed: ${stderr.trim().split('\n').at(-1)}`);
}
