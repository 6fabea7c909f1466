import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';

/** What a raw system call takes: numbers, text, bytes that the kernel may write to, no pointer, or an address. */
export type SystemCallArgument = number | bigint | string | Buffer | null;

/** Numbers of Linux on x64 for calls that neither Node nor every C library has a function for. */
export const SYSTEM_CALLS = {
  mmap: 9,
  ioctl: 16,
  socket: 41,
  connect: 42,
  sendto: 44,
  socketpair: 53,
  kill: 62,
  fcntl: 72,
  truncate: 76,
  ptrace: 101,
  mknod: 133,
  pivotRoot: 155,
  chroot: 161,
  mount: 165,
  umount2: 166,
  initModule: 175,
  setxattr: 188,
  tgkill: 234,
  kexecLoad: 246,
  unshare: 272,
  prlimit64: 302,
  nameToHandleAt: 303,
  openByHandleAt: 304,
  processVmReadv: 310,
  processVmWritev: 311,
  renameat2: 316,
  memfdCreate: 319,
  bpf: 321,
  pidfdSendSignal: 424,
  ioUringSetup: 425,
  ioUringEnter: 426,
  openTree: 428,
  moveMount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  pidfdOpen: 434,
  openat2: 437,
  pidfdGetfd: 438,
} as const;

interface Native {
  call: (number: number, ...typed: unknown[]) => number | bigint;
  errno: () => number;
  view: (address: bigint, length: number) => ArrayBuffer;
  int80: (address: bigint, values: readonly [number, number, number, number]) => number;
}

let loaded: Native | undefined;

function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const call = koffi.load('libc.so.6').func('long syscall(long number, ...)');
  const stub = koffi.proto('int raypher_int80(int number, int a, int b, int c)');
  return {
    call,
    errno: () => koffi.errno(),
    view: (address, length) => koffi.view(address, length),
    int80: (address, values) => koffi.call(address, stub, ...values),
  };
}

/**
 * Makes a system call as hostile code would, past every wrapper. For tests on Linux on x64.
 *
 * @throws Error with the `code` of the kernel's refusal, such as EPERM
 */
export function rawSystemCall(name: keyof typeof SYSTEM_CALLS, ...values: SystemCallArgument[]): bigint {
  const { call, errno } = native();
  const typed = values.flatMap((value) => [typeOf(value), value]);
  const result = BigInt(call(SYSTEM_CALLS[name], ...typed));
  if (result === -1n) throw refusal(name, errno());
  return result;
}

/**
 * Makes a system call through the door for 32-bit programs, which has its own numbers and its own table. The
 * machine code and the text are put in the first 4 GB.
 *
 * @throws Error with the `code` of the kernel's refusal
 */
export function compatSystemCall(number: number, text: string, a: number, b: number): number {
  const [readWriteExecute, privateAnonymousLow] = [7, 0x62];
  const page = rawSystemCall('mmap', null, 4096, readWriteExecute, privateAnonymousLow, -1, 0);
  const memory = Buffer.from(native().view(page, 4096));
  // push rbx; eax = number; ebx = text; ecx = a; edx = b; int 0x80; pop rbx; ret
  Buffer.from('5389f889f34189c889d14489c2cd805bc3', 'hex').copy(memory);
  memory.write(`${text}\0`, 64);
  const result = native().int80(page, [number, Number(page) + 64, a, b]);
  if (result < 0) throw refusal('int80', -result);
  return result;
}

/** @returns the address of a copy of `bytes`, in the first 2 GB; it is never freed */
export function placeInMemory(bytes: Buffer): bigint {
  const [readWrite, privateAnonymousLow] = [3, 0x62];
  const length = Math.ceil((bytes.length + 1) / 4096) * 4096;
  const address = rawSystemCall('mmap', null, length, readWrite, privateAnonymousLow, -1, 0);
  bytes.copy(Buffer.from(native().view(address, length)));
  return address;
}

/** Memory that the kernel shares with this process, such as the rings of io_uring. */
export function mapShared(fd: number, offset: number, length: number): Buffer {
  const [readWrite, sharedPopulated] = [3, 0x8001];
  const address = rawSystemCall('mmap', null, length, readWrite, sharedPopulated, fd, offset);
  return Buffer.from(native().view(address, length));
}

function typeOf(value: SystemCallArgument): string {
  if (typeof value === 'string') return 'str';
  return typeof value === 'number' || typeof value === 'bigint' ? 'long' : 'void *';
}

function refusal(name: string, errno: number): Error {
  const code = errnoName(errno);
  return Object.assign(new Error(`${name}: ${code}`), { code, errno });
}
