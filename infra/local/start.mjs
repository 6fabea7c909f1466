import { fileURLToPath } from 'node:url';
import { parseStartArguments, START_HELP } from './arguments.mjs';
import { buildStale } from './bootstrap/build.mjs';
import { ensureDependencies } from './bootstrap/dependencies.mjs';
import { ensurePrerequisites } from './bootstrap/prerequisites.mjs';
import { underProjectNode } from './bootstrap/project-node.mjs';
import { reportError } from './friendly-error.mjs';
import { Progress } from './progress.mjs';

// Runs first on whatever Node.js (20 or newer) the person has, before anything is installed: only what Node.js itself
// brings may be imported here.
try {
  const options = parseStartArguments(process.argv.slice(2));
  if (options.help) {
    console.log(START_HELP);
  } else {
    const progress = new Progress();
    await ensurePrerequisites('start', { progress, yes: options.yes });
    await ensureDependencies(progress);
    await underProjectNode(fileURLToPath(import.meta.url));
    await buildStale(progress);
    const { runUntilStopped } = await import('./run-until-stopped.mjs');
    await runUntilStopped(options, progress);
  }
} catch (error) {
  process.exitCode = reportError(error);
}
