import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';

/** <fcntl.h>, <signal.h>; the same on x64 and arm64. */
const F_SETFD = 2;
const SIGPIPE = 13;
const SIGXFSZ = 25;
const SIG_DFL = 0;
const STANDARD = [0, 1, 2] as const;

/**
 * Becomes another program: same process, same terminal, same standard streams. What Node.js has changed of the process
 * for itself is set back before.
 *
 * @param path of the program; it is not looked for
 * @param argv its arguments, its own name first
 * @returns only when that failed: the name of the error, such as "EACCES"
 */
export function becomeProgram(path: string, argv: readonly string[], env: NodeJS.ProcessEnv): string {
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  const fcntl = libc.func('int fcntl(int fd, int command, int argument)');
  const signal = libc.func('void *signal(int number, size_t handler)');
  const execve = libc.func('int execve(const char *path, const char **argv, const char **envp)');
  // Node.js ignores these two, and an ignored signal stays so in the next program.
  for (const number of [SIGPIPE, SIGXFSZ]) signal(number, SIG_DFL);
  // It marks its standard streams to be closed on execution.
  for (const fd of STANDARD) fcntl(fd, F_SETFD, 0);
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  execve(path, [...argv, null], [...variables, null]);
  return errnoName(koffi.errno());
}

/** Ends this process at once: no event loop, no handlers. For one whose system calls are filtered already. */
export function leave(code: number): never {
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  koffi.load('libc.so.6').func('void _exit(int code)')(code);
  throw new Error('_exit(2) does not return');
}
