import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './bootstrap/dependencies.mjs';
import { ensurePrerequisites } from './bootstrap/prerequisites.mjs';
import { underProjectNode } from './bootstrap/project-node.mjs';
import { FriendlyError, reportError } from './friendly-error.mjs';
import { Progress } from './progress.mjs';
import { runSteps } from './testing/run-steps.mjs';
import { PARTS, stepsFor } from './testing/steps.mjs';

// Like start.mjs: runs on any Node.js from 20 on, before anything is installed.
try {
  const [part, ...rest] = process.argv.slice(2);
  if (rest.length > 0 || (part !== undefined && !PARTS.some((known) => known === part))) {
    throw new FriendlyError(
      `There is no part "${[part, ...rest].join(' ')}".`,
      `Use: npm test [-- ${PARTS.join(' | ')}]`,
      2,
    );
  }
  const progress = new Progress();
  await ensurePrerequisites('test', { progress, yes: true });
  await ensureDependencies(progress);
  await underProjectNode(fileURLToPath(import.meta.url));
  process.exitCode = await runSteps(stepsFor(part));
} catch (error) {
  process.exitCode = reportError(error);
}
