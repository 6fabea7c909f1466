#!/usr/bin/env node
// A file of the repository and not of the build: npm links a command only when its file is there while it installs.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
// What is imported next would say no more than that a module of Node.js is missing.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `raypher: this is Node.js ${process.versions.node}, and Raypher needs 24 or newer.\nIn the repository, \`npx raypher\` runs on the one that npm installed.\n`,
  );
  process.exitCode = 11;
} else if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write(
    'raypher: the command is not built yet.\nRun `npm start`, or `npm ci && npm run build`.\n',
  );
  process.exitCode = 1;
}
