import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** kcmp(2) */
const SYSCALL_KCMP: Readonly<Record<string, number>> = { x64: 312, arm64: 272 };
/** KCMP_FILES of <linux/kcmp.h> */
const FILES = 2;

type Compare = (number: number, a: number, b: number, type: number, x: number, y: number) => number | bigint;

let compare: Compare | undefined;

/**
 * Whether two threads have one table of descriptors. As a rule all threads of a process do; one that left it
 * (`unshare(CLONE_FILES)`), or that outlived its process's first thread, holds what `/proc/PID/fd` does not show.
 *
 * @returns undefined when the kernel does not say
 */
export function shareDescriptors(one: number, other: number): boolean | undefined {
  const number = SYSCALL_KCMP[process.arch];
  if (process.platform !== 'linux' || number === undefined) return undefined;
  try {
    compare ??= load();
    const result = Number(compare(number, one, other, FILES, 0, 0));
    return result < 0 ? undefined : result === 0;
  } catch {
    // Without the foreign-function library nothing is known, and whoever asks looks for itself.
    return undefined;
  }
}

function load(): Compare {
  // require() rather than import(): the search is synchronous. The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  return koffi
    .load('libc.so.6')
    .func('long syscall(long number, long one, long other, long type, long x, long y)');
}
