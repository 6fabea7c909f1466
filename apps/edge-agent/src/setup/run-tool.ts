import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const TIMEOUT_MS = 60_000;

export interface ToolOptions {
  input?: string;
  /** Whose rights it runs with. */
  as?: { uid: number; gid: number };
}

/** Runs a program of the system to its end. */
export function runTool(
  tool: string,
  args: readonly string[],
  { input, as }: ToolOptions = {},
): { ok: boolean; said: string; output: string } {
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    ...(input === undefined ? {} : { input }),
    ...as,
  });
  const said = error?.message ?? (stderr.trim() === '' ? stdout.trim() : stderr.trim());
  return { ok: status === 0, said: said.slice(0, 500), output: stdout ?? '' };
}

export function isOnPath(tool: string, path = process.env.PATH ?? ''): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
