import { type StdioOptions, spawnSync } from 'node:child_process';
import { NotHere } from '../attempt-definition.ts';

/**
 * Starts a program from inside the tree and gives back what it printed.
 *
 * @throws Error with the kernel's code when it was not started; EACCES with what it said when it failed
 */
export function runInside(program: string, args: readonly string[], stdio: StdioOptions = 'pipe'): string {
  const { error, status, signal, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio,
    timeout: 20_000,
  });
  if (error !== undefined) throw error;
  if (status === 0) return stdout ?? '';
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim();
  throw Object.assign(new Error(`${program} ended with ${status ?? signal}: ${said}`), { code: 'EACCES' });
}

/** A tool that this attempt needs, and not every machine has. */
export function runTool(program: string, args: readonly string[]): string {
  try {
    return runInside(program, args);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new NotHere(`${program} is not installed`);
    }
    throw error;
  }
}
