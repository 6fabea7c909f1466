import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared/errors';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';

/** <linux/fanotify.h>; the values are those of Linux on x64 and arm64. */
const CLOEXEC = 0x01;
const CLASS_CONTENT = 0x04;
const UNLIMITED_QUEUE = 0x10;
const UNLIMITED_MARKS = 0x20;
const REPORT_TID = 0x100;
const MARK_ADD = 0x01;
const MARK_REMOVE = 0x02;
const MARK_DONT_FOLLOW = 0x04;
const OPEN_PERMISSION = 0x0001_0000n;
const EXECUTE_PERMISSION = 0x0004_0000n;
const ON_CHILD = 0x0800_0000n;
const ALLOW = 1;
const DENY = 2;
const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;
const O_LARGEFILE = 0o100000;
const POLLIN = 1;
const METADATA_BYTES = 24;
const BUFFER_BYTES = 4096;
const EINTR = 4;

/** Somebody is about to open or execute a file, and waits for the answer. */
export interface PermissionEvent {
  readonly operation: 'open' | 'execute';
  /** The file; closed when the event is answered. */
  readonly fd: number;
  /** Of the thread; 0 for one that is not visible from here. */
  readonly tid: number;
}

interface Calls {
  init: (flags: number, eventFlags: number) => number;
  mark: (fd: number, flags: number, mask: bigint, folder: number, path: string) => number;
  poll: (fds: Buffer, count: number, timeoutMs: number) => number;
  read: (fd: number, data: Buffer, length: number) => bigint | number;
  write: (fd: number, data: Buffer, length: number) => bigint | number;
  errno: () => number;
}

/**
 * Answers opens and executions of marked files before they happen. When its process ends, the kernel allows whatever
 * waits and whatever comes: it holds only as long as somebody answers.
 *
 * Everything here blocks: it is for a process that does nothing else, opens no file that may be marked, and starts
 * nothing.
 */
export class PermissionQueue implements Disposable {
  readonly #calls: Calls;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);

  /** @throws RaypherError `platform/unsupported` */
  constructor() {
    this.#calls = load();
    const flags = CLASS_CONTENT | CLOEXEC | UNLIMITED_QUEUE | UNLIMITED_MARKS | REPORT_TID;
    this.#fd = this.#calls.init(flags, O_CLOEXEC | O_LARGEFILE);
    if (this.#fd >= 0) return;
    const code = errnoName(this.#calls.errno());
    const why = code === 'EPERM' ? 'it needs root' : `this kernel has no permission events (${code})`;
    throw new RaypherError('platform/unsupported', `Files cannot be watched with fanotify: ${why}.`);
  }

  /** @param what `folder`: the files directly in it, those that come later included. @returns false when not there */
  mark(path: string, what: 'file' | 'folder'): boolean {
    return this.#calls.mark(this.#fd, MARK_ADD | MARK_DONT_FOLLOW, maskOf(what), AT_FDCWD, path) === 0;
  }

  unmark(path: string, what: 'file' | 'folder'): void {
    this.#calls.mark(this.#fd, MARK_REMOVE | MARK_DONT_FOLLOW, maskOf(what), AT_FDCWD, path);
  }

  /**
   * Waits for events or until something else can be read.
   *
   * @param otherFd to wait for as well
   * @param timeoutMs -1: for ever
   */
  wait(otherFd: number, timeoutMs: number): { events: PermissionEvent[]; other: boolean } {
    const fds = Buffer.alloc(16);
    fds.writeInt32LE(this.#fd, 0);
    fds.writeInt16LE(POLLIN, 4);
    fds.writeInt32LE(otherFd, 8);
    fds.writeInt16LE(POLLIN, 12);
    const ready = this.#calls.poll(fds, 2, timeoutMs);
    if (ready <= 0) return { events: [], other: false };
    return {
      events: fds.readInt16LE(6) !== 0 ? this.#read() : [],
      // What hung up can be read: its end.
      other: fds.readInt16LE(14) !== 0,
    };
  }

  answer({ fd }: PermissionEvent, isAllowed: boolean): void {
    const response = Buffer.alloc(8);
    response.writeInt32LE(fd, 0);
    response.writeUInt32LE(isAllowed ? ALLOW : DENY, 4);
    // ENOENT: whoever asked was killed meanwhile.
    this.#calls.write(this.#fd, response, response.length);
    closeSync(fd);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #read(): PermissionEvent[] {
    const length = Number(this.#calls.read(this.#fd, this.#buffer, BUFFER_BYTES));
    if (length < 0) {
      if (this.#calls.errno() === EINTR) return [];
      throw new RaypherError(
        'platform/unsupported',
        `fanotify cannot be read: ${errnoName(this.#calls.errno())}.`,
      );
    }
    const events: PermissionEvent[] = [];
    for (let at = 0; at + METADATA_BYTES <= length; at += this.#buffer.readUInt32LE(at)) {
      const mask = this.#buffer.readBigUInt64LE(at + 8);
      const fd = this.#buffer.readInt32LE(at + 16);
      if (fd < 0) continue;
      const operation = (mask & EXECUTE_PERMISSION) === 0n ? 'open' : 'execute';
      events.push({ operation, fd, tid: this.#buffer.readInt32LE(at + 20) });
    }
    return events;
  }
}

function maskOf(what: 'file' | 'folder'): bigint {
  const both = OPEN_PERMISSION | EXECUTE_PERMISSION;
  return what === 'folder' ? both | ON_CHILD : both;
}

let loaded: Calls | undefined;

function load(): Calls {
  if (process.platform !== 'linux') {
    throw new RaypherError('platform/unsupported', 'fanotify is a thing of Linux.');
  }
  if (loaded !== undefined) return loaded;
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  loaded = {
    init: libc.func('int fanotify_init(uint flags, uint event_flags)'),
    mark: libc.func('int fanotify_mark(int fd, uint flags, uint64 mask, int folder, const char *path)'),
    poll: libc.func('int poll(_Inout_ void *fds, ulong count, int timeout)'),
    read: libc.func('long read(int fd, _Out_ void *data, size_t length)'),
    write: libc.func('long write(int fd, const void *data, size_t length)'),
    errno: () => koffi.errno(),
  };
  return loaded;
}
