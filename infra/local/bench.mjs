import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildStale } from './bootstrap/build.mjs';
import { ensureDependencies } from './bootstrap/dependencies.mjs';
import { ensurePrerequisites } from './bootstrap/prerequisites.mjs';
import { underProjectNode } from './bootstrap/project-node.mjs';
import { FriendlyError, reportError } from './friendly-error.mjs';
import { ROOT } from './paths.mjs';
import { Progress } from './progress.mjs';
import { runBench } from './testing/run-bench.mjs';

/**
 * Benches live in /bench, or in the bench folder of what they measure, as NAME.bench.mjs or NAME.bench.ts.
 *
 * @returns {Promise<{ name: string, file: string, about: string }[]>}
 */
async function findBenches() {
  /** @param {string} folder */
  const below = async (folder) =>
    (await readdir(join(ROOT, folder), { withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name, 'bench'));
  const folders = ['bench', ...(await below('packages')), ...(await below('apps'))];
  const benches = [];
  for (const folder of folders) {
    for (const entry of await readdir(join(ROOT, folder)).catch(() => [])) {
      const name = /^(.+)\.bench\.(?:mjs|ts)$/.exec(entry)?.[1];
      if (name === undefined) continue;
      const file = join(ROOT, folder, entry);
      const about = /\/\*\*\s*\*?\s*([^\n*]+)/.exec(await readFile(file, 'utf8'))?.[1]?.trim() ?? '';
      benches.push({ name, file, about });
    }
  }
  return benches.sort((a, b) => a.name.localeCompare(b.name));
}

try {
  // What is not ours is the bench's own: --streams 4000.
  const [name, ...options] = process.argv.slice(2).filter((argument) => argument !== '--json');
  const jsonOnly = process.argv.includes('--json');
  const benches = await findBenches();
  if (name === undefined || name === '--help' || name === '-h') {
    for (const { name: known, about, file } of benches) {
      console.log(`  ${known.padEnd(16)} ${about || relative(ROOT, file)}`);
    }
    console.log('\nRun one: npm run bench -- NAME [--json] [the options of the bench]');
  } else {
    const bench = benches.find((candidate) => candidate.name === name);
    if (bench === undefined) {
      throw new FriendlyError(
        `There is no bench "${name}".`,
        `There are: ${benches.map((candidate) => candidate.name).join(', ') || 'none'}.`,
        2,
      );
    }
    const progress = new Progress();
    await ensureDependencies(progress);
    await underProjectNode(fileURLToPath(import.meta.url));
    await ensurePrerequisites('start', { progress });
    await buildStale(progress);
    process.exitCode = await runBench(bench.file, { jsonOnly, options });
  }
} catch (error) {
  process.exitCode = reportError(error);
}
