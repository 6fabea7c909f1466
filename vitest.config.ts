import { defineConfig } from 'vitest/config';

/** The kernel of this machine is left alone; tests of the guard use folders of their own. */
const env = { RAYPHER_GUARD_MODE: 'off' };

/** `unit` needs nothing; `medium` runs on a real Postgres and Redis that packages/testkit starts. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          env,
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'apps/*/src/**/*.test.tsx'],
          exclude: ['**/*.medium.test.ts', '**/dist/**', '**/node_modules/**'],
        },
      },
      {
        test: {
          name: 'medium',
          env,
          include: ['packages/*/src/**/*.medium.test.ts', 'apps/*/src/**/*.medium.test.ts'],
          exclude: ['**/dist/**', '**/node_modules/**'],
          globalSetup: ['packages/testkit/src/services.setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
