import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** <bits/mman-linux.h>, <asm-generic/mman-common.h>; the same on x64 and arm64. */
const PROT_READ_WRITE = 0x3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MADV_DONTDUMP = 16;
const MADV_DONTFORK = 10;

export interface LockedMemory {
  bytes: Buffer;
  /** Why the kernel may write these bytes to swap or into a core dump; undefined when it does neither. */
  weakness: string | undefined;
}

/**
 * Memory of its own pages that is neither swapped out, nor dumped, nor inherited by children, as far as the kernel
 * lets us. It stays mapped until the process ends: zero it when it is no longer needed.
 *
 * @param length bytes, at most a page
 */
export function lockedMemory(length: number): LockedMemory {
  if (process.platform !== 'linux') return ordinary(length, `no locked memory on ${process.platform}`);
  try {
    // The cast is the module's own declaration file.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const libc = koffi.load('libc.so.6');
    const map = libc.func('void *mmap(void *addr, size_t len, int prot, int flags, int fd, long offset)');
    const advise = libc.func('int madvise(void *addr, size_t len, int advice)');
    const lock = libc.func('int mlock(const void *addr, size_t len)');
    const address = map(null, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    if (address === -1n || address === 0xffff_ffff_ffff_ffffn)
      return ordinary(length, 'the kernel gives no pages');
    const missing = [
      ...(lock(address, length) === 0 ? [] : ['it may be swapped out (mlock was refused)']),
      ...(advise(address, length, MADV_DONTDUMP) === 0 ? [] : ['it may be in a core dump']),
      ...(advise(address, length, MADV_DONTFORK) === 0 ? [] : ['children inherit it']),
    ];
    const bytes = Buffer.from(koffi.view(address, length));
    return { bytes, weakness: missing.length === 0 ? undefined : missing.join(', ') };
  } catch {
    return ordinary(length, 'the foreign-function library koffi cannot be loaded');
  }
}

function ordinary(length: number, weakness: string): LockedMemory {
  return { bytes: Buffer.alloc(length), weakness };
}
