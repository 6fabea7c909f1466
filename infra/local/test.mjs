import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './bootstrap/dependencies.mjs';
import { ensurePrerequisites } from './bootstrap/prerequisites.mjs';
import { underProjectNode } from './bootstrap/project-node.mjs';
import { FriendlyError, reportError } from './friendly-error.mjs';
import { Progress } from './progress.mjs';
import { runSteps } from './testing/run-steps.mjs';
import { PARTS, stepsFor } from './testing/steps.mjs';

const HELP = `Checks and tests all of Raypher, on services that it starts itself.

  npm test [-- PART]

  lint     format, unused code, types and build
  unit     what needs no service
  kernel   the kernel guard, in virtual machines with kernels of Debian's
  medium   on a real Postgres and Redis
  e2e      in Chromium, against the whole product

Without a part: all of them. What is missing is installed first.
A file alone: npx vitest run --project unit PATH
`;

// Like start.mjs: runs on any Node.js from 20 on, before anything is installed.
try {
  const [part, ...rest] = process.argv.slice(2);
  if (part === '--help' || part === '-h') {
    process.stdout.write(HELP);
    process.exit();
  }
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
