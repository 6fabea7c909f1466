import { readFileSync } from 'node:fs';

/** System calls that open files: which argument has the flags. `creat` has none, it always writes. */
const FLAGS_AT: Readonly<
  Partial<Record<NodeJS.Architecture, Readonly<Record<number, number | 'writes' | 'executes'>>>>
> = {
  x64: { 2: 1, 257: 2, 304: 2, 85: 'writes', 59: 'executes', 322: 'executes' },
  arm64: { 56: 2, 265: 2, 221: 'executes', 281: 'executes' },
};
const ACCESS_MODE = 3n;
const O_TRUNC = 0o1000n;
/** A thread that has just asked is not asleep yet, and its registers are not to be read then. */
const TRIES = 200;

/**
 * How a thread that waits for an answer is about to open its file: what it told the kernel, read from its registers.
 * They cannot change while it waits.
 *
 * @returns undefined where nobody can tell: flags in memory (openat2), requests of an io_uring, other tables of calls
 */
export function openedFor(tid: number): 'read' | 'write' | 'execute' | undefined {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const text = readRegisters(tid);
    if (text === undefined) return undefined;
    if (text.startsWith('running')) continue;
    const [number = '', ...args] = text.split(' ');
    const flagsAt = FLAGS_AT[process.arch]?.[Number(number)];
    if (flagsAt === undefined) return undefined;
    if (flagsAt === 'writes') return 'write';
    if (flagsAt === 'executes') return 'execute';
    const flags = BigInt(args[flagsAt] ?? '0');
    return (flags & ACCESS_MODE) !== 0n || (flags & O_TRUNC) !== 0n ? 'write' : 'read';
  }
  return undefined;
}

function readRegisters(tid: number): string | undefined {
  try {
    return readFileSync(`/proc/${tid}/syscall`, 'utf8');
  } catch {
    // Ended, or one that cannot be looked into.
    return undefined;
  }
}
