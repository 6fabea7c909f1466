import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildStale } from '../local/bootstrap/build.mjs';
import { findOnPath } from '../local/bootstrap/prerequisites.mjs';
import { underProjectNode } from '../local/bootstrap/project-node.mjs';
import { FriendlyError, reportError } from '../local/friendly-error.mjs';
import { ROOT } from '../local/paths.mjs';
import { Progress } from '../local/progress.mjs';

const HELP = `Builds what devices install, for the platform this runs on.

  npm run package [-- options]

  --output DIR   where the packages and their list packages.json go  (default: dist/packages)
  --help         this text

The same sources on the same Node.js give the same bytes; SOURCE_DATE_EPOCH sets the time in the package
(default: that of the last commit).`;

try {
  await underProjectNode(fileURLToPath(import.meta.url));
  await main();
} catch (error) {
  process.exitCode = reportError(error);
}

async function main() {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: join(ROOT, 'dist', 'packages') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  if (process.platform !== 'linux') {
    throw new FriendlyError(`The agent has no package for ${process.platform} yet.`, 'Run this on Linux.');
  }
  // Imported only now: they need what npm installed and what the build made.
  const { buildAgentExecutable } = await import('./executable.mjs');
  const { buildDeb, debFilename } = await import('./deb.mjs');
  const { sourceDateEpoch } = await import('./source-date.mjs');
  // The bundle takes the packages as they are built.
  await buildStale(new Progress(), '@raypher/edge-agent...');
  const folder = resolve(values.output);
  await mkdir(folder, { recursive: true });
  await rm(join(folder, 'packages.json'), { force: true });
  const { version } = JSON.parse(await readFile(join(ROOT, 'apps', 'edge-agent', 'package.json'), 'utf8'));
  const executable = join(folder, `raypher-${version}-linux-${process.arch}`);
  await buildAgentExecutable(executable);
  const packages = [await describe(executable, 'executable', version)];
  if (findOnPath('dpkg-deb') === undefined) {
    console.log('No .deb: dpkg-deb is not installed here (Debian and Ubuntu have it).');
  } else {
    const deb = join(folder, debFilename(version));
    await buildDeb({ executable, output: deb, version, epoch: await sourceDateEpoch() });
    packages.push(await describe(deb, 'deb', version));
  }
  // Last: whoever reads the list finds every file in it.
  await writeFile(join(folder, 'packages.json'), `${JSON.stringify(packages, null, 2)}\n`);
  for (const { filename, bytes, sha256 } of packages) {
    console.log(`${sha256}  ${join(folder, filename)}  (${Math.round(bytes / 2 ** 20)} MiB)`);
  }
}

/**
 * One entry of packages.json: `AgentPackage` of packages/shared.
 *
 * @param {string} file
 * @param {'deb' | 'executable'} format
 * @param {string} version
 */
async function describe(file, format, version) {
  return {
    filename: basename(file),
    platform: 'linux',
    format,
    arch: process.arch,
    version,
    sha256: createHash('sha256')
      .update(await readFile(file))
      .digest('hex'),
    bytes: (await stat(file)).size,
  };
}
