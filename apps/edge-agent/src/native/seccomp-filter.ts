import type { SystemCallName, SystemCalls } from './system-calls.ts';

/** <linux/filter.h>, <linux/seccomp.h>. */
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_ANY_BIT = 0x45;
const AND = 0x54;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const REFUSE = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;

/** Offsets in `struct seccomp_data`; arguments are looked at by their lower half, as the kernel reads these ones. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const argumentAt = (index: number): number => 16 + 8 * index;

const CLONE_NEWUSER = 0x10000000;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const AF_XDP = 44;
const SOCK_RAW = 3;
/** An old way to AF_PACKET. */
const SOCK_PACKET = 10;
const SOCK_TYPE_MASK = 0xf;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const MFD_NOEXEC_SEAL = 8;

/** Refused whatever their arguments. */
const REFUSED: readonly SystemCallName[] = [
  // Other processes' memory and descriptors.
  'ptrace',
  'process_vm_readv',
  'process_vm_writev',
  'process_madvise',
  'pidfd_getfd',
  'kcmp',
  'userfaultfd',
  // The kernel: its programs, modules and counters.
  'bpf',
  'perf_event_open',
  'init_module',
  'finit_module',
  'delete_module',
  'kexec_load',
  'kexec_file_load',
  'reboot',
  'iopl',
  'ioperm',
  'acct',
  'swapon',
  'swapoff',
  // File operations that pass by what decides about system calls.
  'io_uring_setup',
  'io_uring_enter',
  'io_uring_register',
  // What is where.
  'mount',
  'umount2',
  'move_mount',
  'open_tree',
  'open_tree_attr',
  'fsopen',
  'fsconfig',
  'fsmount',
  'fspick',
  'pivot_root',
  'mount_setattr',
  'setns',
  // Files without a path.
  'open_by_handle_at',
  // Keys of the session, and answers to the guard's own questions.
  'keyctl',
  'add_key',
  'request_key',
  'fanotify_init',
];

export interface FilterOptions {
  /** Also refuse files in memory that could be executed: where programs are held, these have no path to decide by. */
  readonly refuseExecutableMemory: boolean;
}

/** One instruction of classic BPF: code, two jumps, operand. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/**
 * The program that decides about system calls, as bytes for `seccomp(2)`: refused ones fail with EPERM, `clone3` with
 * ENOSYS, so that C libraries fall back to `clone`, whose flags can be read. A process that uses the system calls of
 * another architecture (32-bit ones) is killed, x32 ones are refused.
 */
export function buildFilter(
  { architecture, foreignBit, numbers }: SystemCalls,
  options: FilterOptions,
): Buffer {
  const refuse: Instruction = [RETURN, 0, 0, REFUSE | EPERM];
  const instructions: Instruction[] = [
    [LOAD_WORD, 0, 0, ARCHITECTURE_AT],
    [JUMP_EQUAL, 1, 0, architecture],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD_WORD, 0, 0, NUMBER_AT],
    ...(foreignBit === 0 ? [] : [[JUMP_ANY_BIT, 0, 1, foreignBit] as const, refuse]),
    ...REFUSED.flatMap((name) => block(numbers[name], [refuse])),
    ...block(numbers.clone3, [[RETURN, 0, 0, REFUSE | ENOSYS]]),
    ...block(numbers.clone, [...unlessBits(0, CLONE_NEWUSER), refuse]),
    ...block(numbers.unshare, [...unlessBits(0, CLONE_NEWUSER), refuse]),
    ...block(numbers.ioctl, [...unlessOneOf(1, [TIOCSTI, TIOCLINUX]), refuse]),
    // Limits of somebody else; the own ones are those of process 0.
    ...block(numbers.prlimit64, [...unlessOtherThan(0, 0), refuse]),
    ...block(numbers.socket, socketRules(refuse)),
    ...(options.refuseExecutableMemory
      ? block(numbers.memfd_create, [
          [LOAD_WORD, 0, 0, argumentAt(1)],
          [JUMP_ANY_BIT, 0, 1, MFD_NOEXEC_SEAL],
          [RETURN, 0, 0, ALLOW],
          refuse,
        ])
      : []),
    [RETURN, 0, 0, ALLOW],
  ];
  return encode(instructions);
}

/** The instructions where the call has this number, passed over where not. They end in a return. */
function block(number: number, body: readonly Instruction[]): Instruction[] {
  return number < 0 ? [] : [[JUMP_EQUAL, 0, body.length, number], ...body];
}

/** Allows unless the argument has the bits. */
function unlessBits(argument: number, bits: number): Instruction[] {
  return [
    [LOAD_WORD, 0, 0, argumentAt(argument)],
    [JUMP_ANY_BIT, 1, 0, bits],
    [RETURN, 0, 0, ALLOW],
  ];
}

/** Allows unless the argument is one of these. */
function unlessOneOf(argument: number, values: readonly number[]): Instruction[] {
  return [
    [LOAD_WORD, 0, 0, argumentAt(argument)],
    ...values.map((value, index): Instruction => [JUMP_EQUAL, values.length - index, 0, value]),
    [RETURN, 0, 0, ALLOW],
  ];
}

/** Allows where the argument is this. */
function unlessOtherThan(argument: number, value: number): Instruction[] {
  return [
    [LOAD_WORD, 0, 0, argumentAt(argument)],
    [JUMP_EQUAL, 0, 1, value],
    [RETURN, 0, 0, ALLOW],
  ];
}

/** Packets that pass by the rules for connections: those of a link, and raw ones of the internet. */
function socketRules(refuse: Instruction): Instruction[] {
  return [
    [LOAD_WORD, 0, 0, argumentAt(0)],
    [JUMP_EQUAL, 9, 0, AF_PACKET],
    [JUMP_EQUAL, 8, 0, AF_XDP],
    [JUMP_EQUAL, 2, 0, AF_INET],
    [JUMP_EQUAL, 1, 0, AF_INET6],
    [RETURN, 0, 0, ALLOW],
    [LOAD_WORD, 0, 0, argumentAt(1)],
    [AND, 0, 0, SOCK_TYPE_MASK],
    [JUMP_EQUAL, 2, 0, SOCK_RAW],
    [JUMP_EQUAL, 1, 0, SOCK_PACKET],
    [RETURN, 0, 0, ALLOW],
    refuse,
  ];
}

function encode(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, ifTrue, ifFalse, operand], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  });
  return bytes;
}
