import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** <fcntl.h>; the same on x64 and arm64. */
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

/** Writing to what nobody reads then fails with EAGAIN instead of waiting. */
export function setNonBlocking(fd: number): void {
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const fcntl = koffi.load('libc.so.6').func('int fcntl(int fd, int command, int argument)');
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
}
