#!/usr/bin/env node
// A file of the repository and not of the build: npm links a command only when its file is there while it installs.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write(
    'raypher: the command is not built yet.\nRun `npm start`, or `npm ci && npm run build`.\n',
  );
  process.exitCode = 1;
}
