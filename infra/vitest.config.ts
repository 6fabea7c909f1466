import { defineConfig } from 'vitest/config';

/** Tests of `npm start`, `npm test` and what they are made of. They need the product built. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: 'local',
    include: ['**/*.test.mjs'],
    // The kernel of this machine is left alone.
    env: { RAYPHER_GUARD_MODE: 'off' },
    globalSetup: ['packaging/testing/executables.setup.mjs'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    retry: 1,
    // Starting the whole product takes the machine's two cores.
    fileParallelism: false,
  },
});
