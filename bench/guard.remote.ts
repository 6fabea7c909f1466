/**
 * Does, in the control group that it is started in, what is measured from outside. Each line that it is given is one
 * deed; it answers with the milliseconds that it took.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [project = '', port = '0'] = process.argv.slice(2);
const ROOT = join(import.meta.dirname, '..');
const GIT = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com', '-c', 'commit.gpgsign=false'];

export type Deed = 'open' | 'exec' | 'connect' | 'workload';

const DEEDS: Record<Deed, () => void | Promise<void>> = {
  open: () => {
    for (let times = 0; times < 20_000; times++) closeSync(openSync(`${project}/package.json`, 'r'));
  },
  exec: () => {
    for (let times = 0; times < 150; times++) execFileSync('/bin/true', { stdio: 'ignore' });
  },
  connect: async () => {
    for (let times = 0; times < 1_000; times++) {
      const socket = connect(Number(port), '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
    }
  },
  /** What a coding assistant does with a small project: a repository, changes, a build. */
  workload: () => {
    const folder = mkdtempSync(join(tmpdir(), 'raypher-bench-work-'));
    try {
      cpSync(project, join(folder, 'project'), { recursive: true });
      const git = (...words: string[]) =>
        execFileSync('git', [...GIT, ...words], { cwd: folder, stdio: 'ignore' });
      git('init', '--quiet');
      git('add', '.');
      git('commit', '--quiet', '-m', 'everything');
      for (let times = 0; times < 5; times++) {
        git('status');
        git('log', '-p');
        git('grep', 'export');
      }
      execFileSync(
        join(ROOT, 'node_modules/.bin/esbuild'),
        [
          'project/src/index.ts',
          '--bundle',
          '--platform=node',
          '--format=esm',
          '--outfile=out.js',
          '--packages=external',
        ],
        { cwd: folder, stdio: 'ignore' },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const deed = Object.entries(DEEDS).find(([name]) => name === line)?.[1];
  if (deed === undefined) throw new RangeError(`There is no "${line}".`);
  const before = performance.now();
  await deed();
  process.stdout.write(`${performance.now() - before}\n`);
}
