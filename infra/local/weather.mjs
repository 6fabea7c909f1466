import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildStale } from './bootstrap/build.mjs';
import { ensureDependencies } from './bootstrap/dependencies.mjs';
import { ensurePrerequisites } from './bootstrap/prerequisites.mjs';
import { underProjectNode } from './bootstrap/project-node.mjs';
import { reportError } from './friendly-error.mjs';
import { ROOT } from './paths.mjs';
import { Progress } from './progress.mjs';

/** grpc-js dials addresses by number, which Node only warns about. */
const QUIET = '--disable-warning=DEP0123';

// Like bench.mjs: prepares what is needed and leaves the rest to the suite itself.
try {
  const progress = new Progress();
  await ensureDependencies(progress);
  await underProjectNode(fileURLToPath(import.meta.url));
  if (process.argv.slice(2).some((argument) => !argument.startsWith('-')))
    await ensurePrerequisites('start', { progress });
  await buildStale(progress);
  const suite = join(ROOT, 'weather', 'src', 'main.ts');
  const child = spawn(process.execPath, [QUIET, suite, ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  // Ctrl-C reaches the suite too; it stops what it started, and then we end as it did.
  process.on('SIGINT', () => {});
  process.exitCode = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
} catch (error) {
  process.exitCode = reportError(error);
}
