import { spawn } from 'node:child_process';
import { FriendlyError } from '../friendly-error.mjs';
import { ROOT } from '../paths.mjs';

/**
 * Runs a bench and checks that its last line is the JSON that tools read.
 *
 * @param {string} file
 * @param {{ jsonOnly: boolean, options?: string[] }} how - `jsonOnly` shows nothing but that line; `options` go to the
 *   bench.
 * @returns {Promise<number>} the bench's exit code.
 */
export async function runBench(file, { jsonOnly, options = [] }) {
  const child = spawn(process.execPath, ['--expose-gc', file, ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (!jsonOnly) process.stdout.write(chunk);
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  if (code !== 0) return code;
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (!isBenchLine(last)) {
    throw new FriendlyError('The bench did not end with a line of JSON that has "bench" and "figures".');
  }
  if (jsonOnly) console.log(last);
  return 0;
}

/** @param {string} line */
function isBenchLine(line) {
  try {
    const value = JSON.parse(line);
    return typeof value.bench === 'string' && typeof value.figures === 'object';
  } catch {
    return false;
  }
}
