import { randomBytes } from 'node:crypto';
import { closeSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';

/** The values are those of Linux on x64 and arm64 (linux/netlink.h, linux/connector.h, linux/cn_proc.h, linux/filter.h). */
const AF_NETLINK = 16;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const NETLINK_CONNECTOR = 11;
const NLMSG_DONE = 3;
const CN_IDX_PROC = 1;
const CN_VAL_PROC = 1;
const PROC_CN_MCAST_LISTEN = 1;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const EPERM = 1;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;
const POLLIN = 1;
const EFD_CLOEXEC = SOCK_CLOEXEC;
const EFD_NONBLOCK = SOCK_NONBLOCK;

/** `what` of struct proc_event. */
const NONE = 0;
const FORK = 1;
const EXEC = 2;
const EXIT = 0x8000_0000;

/** struct nlmsghdr, struct cn_msg, and in struct proc_event: `what`, then the data after CPU and time. */
const HEADER_BYTES = 16;
const CONNECTOR_BYTES = 20;
const ACKNOWLEDGES_AT = HEADER_BYTES + 12;
const WHAT_AT = HEADER_BYTES + CONNECTOR_BYTES;
const DATA_AT = WHAT_AT + 16;

/** Bytes; the kernel counts about 800 for an event. Room for some 20,000, which this process may be late for. */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
/** What an eventfd takes. */
const ONE = Buffer.of(1, 0, 0, 0, 0, 0, 0, 0);
/** Messages read in one go; whoever reads more goes through the event loop in between. */
const MOST_AT_ONCE = 4096;
/** Messages before the answer to our own subscription: events that others' actions caused in that moment. */
const MOST_BEFORE_ANSWER = 20_000;

/** Something that happened to a whole process; threads are left out. Pids are those of the first pid namespace. */
export type ProcessEvent =
  | { readonly kind: 'fork'; readonly pid: number; readonly parent: number }
  | { readonly kind: 'exec'; readonly pid: number }
  | { readonly kind: 'exit'; readonly pid: number };

export interface Drained {
  /** In the order in which they happened. */
  events: ProcessEvent[];
  /** The kernel had to drop events since the last time: only a look at all processes tells what is missing. */
  lost: boolean;
  /** More is waiting already. */
  more: boolean;
}

interface Calls {
  socket: (family: number, type: number, protocol: number) => number;
  bind: (fd: number, address: Buffer, length: number) => number;
  setOption: (fd: number, level: number, option: number, value: Buffer, length: number) => number;
  setFilter: (
    fd: number,
    level: number,
    option: number,
    program: { length: number; instructions: Buffer },
    length: number,
  ) => number;
  send: (fd: number, data: Buffer, length: number, flags: number) => bigint;
  receive: (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    from: Buffer,
    fromLength: Buffer,
  ) => bigint;
  eventfd: (value: number, flags: number) => number;
  poll: {
    async: (
      fds: Buffer,
      count: number,
      timeoutMs: number,
      done: (error: Error | null, ready: number) => void,
    ) => void;
  };
  errno: () => number;
}

let loaded: Calls | undefined;

function calls(): Calls {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux' || endianness() !== 'LE') {
    throw new RaypherError('platform/unsupported', 'The process connector (netlink) is a thing of Linux.');
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  const program = koffi.pointer(koffi.struct({ length: 'uint16_t', instructions: 'void *' }));
  loaded = {
    socket: libc.func('int socket(int family, int type, int protocol)'),
    bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
    setOption: libc.func('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)'),
    setFilter: libc.func('setsockopt', 'int', ['int', 'int', 'int', program, 'uint32_t']),
    send: libc.func('long send(int fd, const void *data, size_t length, int flags)'),
    receive: libc.func(
      'long recvfrom(int fd, void *data, size_t length, int flags, void *from, void *fromLength)',
    ),
    eventfd: libc.func('int eventfd(unsigned int value, int flags)'),
    poll: libc.func('int poll(void *fds, unsigned long count, int timeout)'),
    errno: () => koffi.errno(),
  };
  return loaded;
}

/**
 * What the kernel tells about processes that start, execute a program and end (the process events connector,
 * linux/cn_proc.h). Events gather in the socket until `drain` is called, so that a machine which starts thousands of
 * processes does not keep the event loop busy with each of them.
 *
 * `wait` occupies one of the four threads that Node has for such things, asleep in poll(2). Node can wait for no
 * socket of this kind by itself, and a timer that looks 20 times a second costs half a per cent of a core, idle.
 *
 * Needs CAP_NET_ADMIN and the machine's first namespaces of pids, users and networks.
 */
export class ProcessConnector implements Disposable {
  readonly #fd: number;
  /** An eventfd that ends the wait. */
  readonly #wakeFd: number;
  readonly #wake = (): void => {
    writeSync(this.#wakeFd, ONE);
  };
  #waiting: Promise<void> | undefined;
  readonly #message = Buffer.alloc(1024);
  readonly #from = Buffer.alloc(12);
  readonly #fromLength = Buffer.alloc(4);
  #open = true;

  private constructor(fd: number, wakeFd: number) {
    this.#fd = fd;
    this.#wakeFd = wakeFd;
    // Node joins its threads when it exits.
    process.once('exit', this.#wake);
  }

  /**
   * @param bufferBytes how much may gather before events are lost
   * @throws RaypherError `platform/unsupported` with the reason when the kernel does not tell us
   */
  static open(bufferBytes = RECEIVE_BUFFER_BYTES): ProcessConnector {
    const { socket, eventfd, errno } = calls();
    const fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
    if (fd < 0) throw unsupported(`netlink has no connector here (${errnoName(errno())})`);
    const wakeFd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wakeFd < 0) {
      closeSync(fd);
      throw unsupported(`nothing could be woken by them (${errnoName(errno())})`);
    }
    const connector = new ProcessConnector(fd, wakeFd);
    try {
      connector.#subscribe(bufferBytes);
      return connector;
    } catch (error) {
      connector.close();
      throw error;
    }
  }

  /** Resolves as soon as there is something to drain, or the connector is closed. */
  wait(): Promise<void> {
    if (!this.#open) return Promise.resolve();
    this.#waiting ??= this.#poll().finally(() => {
      this.#waiting = undefined;
    });
    return this.#waiting;
  }

  /** Takes what has gathered since the last time. Never blocks. */
  drain(): Drained {
    if (!this.#open) throw new RaypherError('internal/unexpected', 'The process connector is closed.');
    const drained: Drained = { events: [], lost: false, more: false };
    for (let messages = 0; messages < MOST_AT_ONCE; messages += 1) {
      const length = this.#receive();
      if (length === 'nothing') return drained;
      if (length === 'lost') {
        drained.lost = true;
        continue;
      }
      const event = decode(this.#message.subarray(0, length));
      if (event !== undefined) drained.events.push(event);
    }
    drained.more = true;
    return drained;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.#wake);
    const closeBoth = (): void => {
      closeSync(this.#fd);
      closeSync(this.#wakeFd);
    };
    if (this.#waiting === undefined) {
      closeBoth();
      return;
    }
    // Not while a thread still waits on the numbers, which would be given to other files.
    this.#waiting.finally(closeBoth).catch(() => {});
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #poll(): Promise<void> {
    // Two of struct pollfd.
    const entries = Buffer.alloc(16);
    entries.writeInt32LE(this.#fd, 0);
    entries.writeInt16LE(POLLIN, 4);
    entries.writeInt32LE(this.#wakeFd, 8);
    entries.writeInt16LE(POLLIN, 12);
    return new Promise((resolve, reject) => {
      calls().poll.async(entries, 2, -1, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  #subscribe(bufferBytes: number): void {
    const { bind, setOption, setFilter, send, errno } = calls();
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(CN_IDX_PROC, 8);
    if (bind(this.#fd, address, address.length) !== 0) {
      const code = errno();
      throw unsupported(
        code === EPERM ? 'it needs CAP_NET_ADMIN' : `it cannot be listened to (${errnoName(code)})`,
      );
    }
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(bufferBytes);
    if (setOption(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes, bytes.length) !== 0) {
      throw unsupported(`its buffer cannot be made large enough (${errnoName(errno())})`);
    }
    const instructions = wantedEvents();
    const program = { length: instructions.length / 8, instructions };
    if (setFilter(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, program, 16) !== 0) {
      throw unsupported(`its events cannot be filtered (${errnoName(errno())})`);
    }
    const request = subscription(randomBytes(4).readUInt32LE());
    if (Number(send(this.#fd, request, request.length, 0)) < 0) {
      throw unsupported(`the kernel does not take the subscription (${errnoName(errno())})`);
    }
    this.#expectAnswer(request);
  }

  /** The kernel answers before send(2) returns, and not at all outside its first namespaces. */
  #expectAnswer(request: Buffer): void {
    const expected = (request.readUInt32LE(ACKNOWLEDGES_AT) + 1) >>> 0;
    for (let messages = 0; messages < MOST_BEFORE_ANSWER; messages += 1) {
      const length = this.#receive();
      if (length === 'nothing') break;
      if (length === 'lost' || length < DATA_AT + 4) continue;
      const isAnswer =
        this.#message.readUInt32LE(WHAT_AT) === NONE &&
        this.#message.readUInt32LE(ACKNOWLEDGES_AT) === expected;
      if (!isAnswer) continue;
      const error = this.#message.readUInt32LE(DATA_AT);
      if (error === 0) return;
      throw unsupported(error === EPERM ? 'it needs CAP_NET_ADMIN' : `it refused (${errnoName(error)})`);
    }
    throw unsupported('the kernel answers only in its first pid, user and network namespaces');
  }

  /** @returns the length of the next message of the kernel */
  #receive(): number | 'nothing' | 'lost' {
    const { receive, errno } = calls();
    for (;;) {
      this.#fromLength.writeUInt32LE(this.#from.length);
      const length = Number(
        receive(this.#fd, this.#message, this.#message.length, 0, this.#from, this.#fromLength),
      );
      if (length >= 0) {
        // Only the kernel has the port 0; other processes are passed over.
        if (this.#from.readUInt32LE(4) === 0) return length;
        continue;
      }
      const code = errno();
      if (code === EAGAIN) return 'nothing';
      if (code === ENOBUFS) return 'lost';
      if (code === EINTR) continue;
      throw new RaypherError(
        'internal/unexpected',
        `The process connector cannot be read: ${errnoName(code)}.`,
      );
    }
  }
}

function decode(message: Buffer): ProcessEvent | undefined {
  if (message.length < DATA_AT + 16) return undefined;
  if (message.readUInt32LE(HEADER_BYTES) !== CN_IDX_PROC) return undefined;
  switch (message.readUInt32LE(WHAT_AT)) {
    // Each is two numbers, of the thread and of its process: parent then child, or the one it happened to.
    case FORK:
      return {
        kind: 'fork',
        pid: message.readUInt32LE(DATA_AT + 12),
        parent: message.readUInt32LE(DATA_AT + 4),
      };
    case EXEC:
      return { kind: 'exec', pid: message.readUInt32LE(DATA_AT + 4) };
    case EXIT:
      return { kind: 'exit', pid: message.readUInt32LE(DATA_AT + 4) };
    default:
      return undefined;
  }
}

/** struct nlmsghdr, struct cn_msg and the wish to listen; the answer carries the mark plus one. */
function subscription(mark: number): Buffer {
  const message = Buffer.alloc(HEADER_BYTES + CONNECTOR_BYTES + 4);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(NLMSG_DONE, 4);
  message.writeUInt32LE(CN_IDX_PROC, HEADER_BYTES);
  message.writeUInt32LE(CN_VAL_PROC, HEADER_BYTES + 4);
  message.writeUInt32LE(mark, ACKNOWLEDGES_AT);
  message.writeUInt16LE(4, HEADER_BYTES + 16);
  message.writeUInt32LE(PROC_CN_MCAST_LISTEN, WHAT_AT);
  return message;
}

/**
 * A socket filter (classic BPF) that drops in the kernel what is of no use here: threads, names, users, sessions.
 * Threads alone are most of the events of many programs.
 */
function wantedEvents(): Buffer {
  const [load, copyToX, ifEqual, ifEqualToX, end] = [0x20, 0x07, 0x15, 0x1d, 0x06];
  /** Code, instructions left out when true and when false, value; the last but one keeps the message. */
  const program: readonly [code: number, ifTrue: number, ifFalse: number, value: number][] = [
    [load, 0, 0, WHAT_AT],
    [ifEqual, 11, 0, networkOrder(EXEC)],
    [ifEqual, 10, 0, networkOrder(NONE)],
    [ifEqual, 1, 0, networkOrder(FORK)],
    [ifEqual, 4, 9, networkOrder(EXIT)],
    // The child of a fork is a process when its thread has the number of its process.
    [load, 0, 0, DATA_AT + 8],
    [copyToX, 0, 0, 0],
    [load, 0, 0, DATA_AT + 12],
    [ifEqualToX, 4, 5, 0],
    [load, 0, 0, DATA_AT],
    [copyToX, 0, 0, 0],
    [load, 0, 0, DATA_AT + 4],
    [ifEqualToX, 0, 1, 0],
    [end, 0, 0, 0xffff_ffff],
    [end, 0, 0, 0],
  ];
  return Buffer.concat(
    program.map(([code, ifTrue, ifFalse, value]) => {
      const instruction = Buffer.alloc(8);
      instruction.writeUInt16LE(code, 0);
      instruction[2] = ifTrue;
      instruction[3] = ifFalse;
      instruction.writeUInt32LE(value, 4);
      return instruction;
    }),
  );
}

/** Filters read words in network order, connector messages are in the machine's. */
function networkOrder(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.readUInt32BE();
}

function unsupported(reason: string): RaypherError {
  return new RaypherError('platform/unsupported', `No process events: ${reason}.`);
}
