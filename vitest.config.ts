import { defineConfig } from 'vitest/config';

/** `unit` needs nothing; `medium` runs on a real Postgres and Redis that packages/testkit starts. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'apps/*/src/**/*.test.tsx'],
          exclude: ['**/*.medium.test.ts', '**/dist/**', '**/node_modules/**'],
        },
      },
      {
        test: {
          name: 'medium',
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
