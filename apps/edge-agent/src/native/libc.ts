import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';

/** System call numbers that glibc 2.35 and older have no wrapper for; the same on every 64-bit Linux table since 5.1. */
const SYSCALLS: Readonly<Record<string, { pidfdSendSignal: number; pidfdOpen: number }>> = {
  x64: { pidfdSendSignal: 424, pidfdOpen: 434 },
  arm64: { pidfdSendSignal: 424, pidfdOpen: 434 },
};

/** The few error numbers this agent reacts to; the values are those of Linux on x64 and arm64. */
const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  3: 'ESRCH',
  9: 'EBADF',
  11: 'EAGAIN',
  13: 'EACCES',
  22: 'EINVAL',
  23: 'ENFILE',
  24: 'EMFILE',
  38: 'ENOSYS',
  95: 'EOPNOTSUPP',
};

/** Signal numbers of Linux on x64 and arm64. 0 only asks whether the process is still there. */
export const SIGNALS = { probe: 0, SIGKILL: 9, SIGTERM: 15, SIGCONT: 18, SIGSTOP: 19 } as const;
export type SignalName = keyof typeof SIGNALS;

type Syscall = (number: number, ...typedArguments: unknown[]) => number | bigint;

interface Libc {
  syscall: Syscall;
  errno: () => number;
  numbers: { pidfdSendSignal: number; pidfdOpen: number };
}

let loaded: Libc | undefined;

/** Loaded on first use: commands that never signal a process start without the foreign-function library. */
function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const numbers = SYSCALLS[process.arch];
  if (process.platform !== 'linux' || numbers === undefined) {
    throw new RaypherError(
      'platform/unsupported',
      `Process handles (pidfd) need 64-bit Linux on x64 or arm64; this is ${process.platform} on ${process.arch}.`,
    );
  }
  try {
    // require() rather than import(): signalling is synchronous and must not wait for a promise.
    // The cast is the module's own declaration file.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const syscall: Syscall = koffi.load('libc.so.6').func('long syscall(long number, ...)');
    return { syscall, errno: () => koffi.errno(), numbers };
  } catch (cause) {
    throw new RaypherError('platform/unsupported', 'The foreign-function library koffi cannot be loaded.', {
      hint: 'Reinstall the agent: its package for this platform (@koromix/koffi-…) is missing or does not fit the C library.',
      cause,
    });
  }
}

/** "ESRCH" for 3; "errno 77" for a number without a name here. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES[errno] ?? `errno ${errno}`;
}

/**
 * A handle on one process. The number of a process that ended can be given to another one;
 * a handle never moves to it (pidfd_open(2)).
 */
export class ProcessHandle implements Disposable {
  readonly pid: number;
  readonly #fd: number;
  #open = true;

  private constructor(pid: number, fd: number) {
    this.pid = pid;
    this.#fd = fd;
  }

  /**
   * @returns undefined when no such process exists (any more), or when `pid` is a thread.
   * @throws RaypherError `process/permission`, `platform/unsupported`
   */
  static open(pid: number): ProcessHandle | undefined {
    const { syscall, errno, numbers } = libc();
    const fd = Number(syscall(numbers.pidfdOpen, 'int', pid, 'uint', 0));
    if (fd >= 0) return new ProcessHandle(pid, fd);
    const code = errnoName(errno());
    // EINVAL, on newer kernels ENOENT: the number names a thread, or is not a valid number at all.
    if (code === 'ESRCH' || code === 'EINVAL' || code === 'ENOENT') return undefined;
    throw failure('open a handle on', pid, code);
  }

  /**
   * @returns false when the process has ended.
   * @throws RaypherError `process/permission` when this user may not signal it.
   */
  signal(name: SignalName): boolean {
    if (!this.#open) return false;
    const { syscall, errno, numbers } = libc();
    const result = Number(
      syscall(numbers.pidfdSendSignal, 'int', this.#fd, 'int', SIGNALS[name], 'void *', null, 'uint', 0),
    );
    if (result === 0) return true;
    const code = errnoName(errno());
    if (code === 'ESRCH') return false;
    throw failure(`send ${name} to`, this.pid, code);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function failure(what: string, pid: number, code: string): RaypherError {
  if (code === 'EPERM' || code === 'EACCES') {
    return new RaypherError('process/permission', `This user may not ${what} process ${pid}.`, {
      hint: 'Run the agent as root.',
      details: { pid, errno: code },
    });
  }
  if (code === 'ENOSYS') {
    return new RaypherError(
      'platform/unsupported',
      'This kernel has no process handles (pidfd, Linux 5.3).',
      {
        details: { errno: code },
      },
    );
  }
  return new RaypherError('internal/unexpected', `Could not ${what} process ${pid}: ${code}.`, {
    details: { pid, errno: code },
  });
}
