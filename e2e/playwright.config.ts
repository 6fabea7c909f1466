import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

/** One product for all tests, so they run one after another. */
export default defineConfig({
  testDir: 'src',
  workers: 1,
  fullyParallel: false,
  retries: 1,
  timeout: 180_000,
  expect: { timeout: 30_000 },
  outputDir: '../test-results',
  forbidOnly: true,
  use: {
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
    // Recording costs the browser more than the tests do. To look into a failure: --trace retain-on-failure
    trace: 'off',
    launchOptions: {
      ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
