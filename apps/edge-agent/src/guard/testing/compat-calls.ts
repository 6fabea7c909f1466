import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { smallProgram } from './small-program.ts';

/** Why there is nothing to try: hypervisors and kernels without them end whoever makes one. */
export const NO_COMPAT_CALLS = 'system calls of 32-bit programs are not to be had on this machine';

/** exit(42), as a 32-bit program says it: mov eax, 1; mov ebx, 42; int 0x80. */
export const COMPAT_EXIT = [0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80];

/**
 * Whether this machine takes system calls of 32-bit programs, where nothing guards it.
 *
 * @param folder where programs can be written and run
 */
export function takesCompatCalls(folder: string): boolean {
  if (process.arch !== 'x64') return false;
  const program = join(folder, 'compat-calls');
  smallProgram(program, COMPAT_EXIT);
  try {
    return spawnSync(program).status === 42;
  } finally {
    rmSync(program);
  }
}
