import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** The kernel of this machine is left alone; tests of the guard use folders of their own. */
const env = { RAYPHER_GUARD_MODE: 'off' };

/**
 * How long a busy machine may take for what takes moments on an idle one, in milliseconds. What fails is tried once more;
 * `npm test` names it then, and accepts few of those.
 */
const PATIENT = { testTimeout: 30_000, hookTimeout: 60_000, expect: { poll: { timeout: 15_000 } }, retry: 1 };

/**
 * Files of one worker share their modules: loading them anew for each took a quarter of the time. What a test changes
 * of its process (variables, user, clock), it puts back.
 */
const SHARED = { isolate: false };

/** `unit` needs nothing; `medium` runs on a real Postgres and Redis that packages/testkit starts. */
export default defineConfig({
  test: {
    // Most of what tests do is to wait for processes and sockets. On two cores vitest would run one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          env,
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.tsx',
            'weather/src/**/*.test.ts',
          ],
          exclude: ['**/*.medium.test.ts', '**/*.kernel.test.ts', '**/dist/**', '**/node_modules/**'],
          ...PATIENT,
          ...SHARED,
        },
      },
      {
        // Boots kernels of Debian's in virtual machines.
        test: {
          name: 'kernel',
          env,
          include: ['apps/*/src/**/*.kernel.test.ts'],
          exclude: ['**/dist/**', '**/node_modules/**'],
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'medium',
          env,
          include: [
            'packages/*/src/**/*.medium.test.ts',
            'apps/*/src/**/*.medium.test.ts',
            'weather/src/**/*.medium.test.ts',
          ],
          exclude: ['**/dist/**', '**/node_modules/**'],
          globalSetup: ['packages/testkit/src/services.setup.ts'],
          ...PATIENT,
          ...SHARED,
        },
      },
    ],
  },
});
