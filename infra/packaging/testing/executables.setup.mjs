import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXECUTABLES } from './agent-executable.mjs';

/** vitest's global set-up: a folder for what agentExecutable builds, which goes when all files are through. */
export default async function setup() {
  const folder = await mkdtemp(join(tmpdir(), 'raypher-executables-'));
  process.env[EXECUTABLES] = folder;
  return () => rm(folder, { recursive: true, force: true });
}
