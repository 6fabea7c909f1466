import { describe, expect, test } from 'vitest';
import { buildFilter } from './seccomp-filter.ts';
import { SYSTEM_CALLS, type SystemCallName } from './system-calls.ts';

const [ALLOWED, REFUSED, MISSING, KILLED] = ['allowed', 'EPERM', 'ENOSYS', 'killed'];
const OUTCOMES = new Map([
  [0x7fff0000, ALLOWED],
  [0x00050001, REFUSED],
  [0x00050026, MISSING],
  [0x80000000, KILLED],
]);

/** Runs classic BPF as the kernel does (Documentation/networking/filter.rst). */
function run(program: Buffer, data: Buffer): string | undefined {
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const code = program.readUInt16LE(at * 8);
    const [ifTrue, ifFalse] = [program.readUInt8(at * 8 + 2), program.readUInt8(at * 8 + 3)];
    const operand = program.readUInt32LE(at * 8 + 4);
    switch (code) {
      case 0x20:
        accumulator = data.readUInt32LE(operand);
        break;
      case 0x54:
        accumulator = (accumulator & operand) >>> 0;
        break;
      case 0x15:
        at += accumulator === operand ? ifTrue : ifFalse;
        break;
      case 0x45:
        at += (accumulator & operand) !== 0 ? ifTrue : ifFalse;
        break;
      case 0x06:
        return OUTCOMES.get(operand);
      default:
        throw new Error(`no such instruction: ${code}`);
    }
  }
  throw new Error('the program ended without a verdict');
}

describe.each(['x64', 'arm64'] as const)('system calls of %s', (machine) => {
  const calls = SYSTEM_CALLS[machine];
  if (calls === undefined) throw new Error(`no table of ${machine}`);
  const decide = (
    name: SystemCallName | number,
    args: readonly number[] = [],
    { architecture = calls.architecture, refuseExecutableMemory = false } = {},
  ): string | undefined => {
    const data = Buffer.alloc(64);
    data.writeUInt32LE((typeof name === 'number' ? name : calls.numbers[name]) >>> 0, 0);
    data.writeUInt32LE(architecture, 4);
    args.forEach((value, index) => {
      data.writeBigUInt64LE(BigInt(value), 16 + 8 * index);
    });
    return run(buildFilter(calls, { refuseExecutableMemory }), data);
  };

  test.each([
    'ptrace',
    'process_vm_readv',
    'process_vm_writev',
    'bpf',
    'io_uring_setup',
    'userfaultfd',
    'mount',
    'umount2',
    'move_mount',
    'open_tree',
    'open_tree_attr',
    'fsopen',
    'fsmount',
    'pivot_root',
    'mount_setattr',
    'setns',
    'keyctl',
    'kexec_load',
    'init_module',
    'finit_module',
    'open_by_handle_at',
    'perf_event_open',
    'pidfd_getfd',
    'fanotify_init',
  ] as const)('%s is refused', (name) => {
    expect(decide(name)).toBe(REFUSED);
  });

  test('new user namespaces are refused, other clones and namespaces are not', () => {
    expect(decide('clone', [0x10000000 | 17])).toBe(REFUSED);
    expect(decide('unshare', [0x10000000])).toBe(REFUSED);
    expect(decide('clone', [0x003d0f00])).toBe(ALLOWED);
    expect(decide('unshare', [0x400])).toBe(ALLOWED);
  });

  test('clone3, whose flags are in memory, is said to be missing', () => {
    expect(decide('clone3')).toBe(MISSING);
  });

  test.each([
    ['packets of a link', [17, 2], REFUSED],
    ['packets of a link, with flags', [17, 0o2000003], REFUSED],
    ['XDP', [44, 3], REFUSED],
    ['raw packets', [2, 3], REFUSED],
    ['raw packets, with flags', [2, 0o2000003], REFUSED],
    ['raw packets of IPv6', [10, 3], REFUSED],
    ['the old way to packets of a link', [2, 10], REFUSED],
    ['TCP', [2, 0o2000001], ALLOWED],
    ['UDP over IPv6', [10, 2], ALLOWED],
    ['a Unix socket', [1, 1], ALLOWED],
    ['netlink, which is raw by name alone', [16, 3], ALLOWED],
  ])('sockets: %s', (_, args, expected) => {
    expect(decide('socket', args)).toBe(expected);
  });

  test('typing into the terminal for somebody else is refused, other orders to it are not', () => {
    expect(decide('ioctl', [0, 0x5412])).toBe(REFUSED);
    expect(decide('ioctl', [0, 0x541c])).toBe(REFUSED);
    expect(decide('ioctl', [0, 0x5413])).toBe(ALLOWED);
  });

  test('limits of other processes are refused, the own ones are not', () => {
    expect(decide('prlimit64', [0, 7])).toBe(ALLOWED);
    expect(decide('prlimit64', [4711, 7])).toBe(REFUSED);
  });

  test('upper halves that the kernel does not read make no difference', () => {
    expect(decide('ioctl', [0, 0x1_0000_5412])).toBe(REFUSED);
    expect(decide('socket', [0x1_0000_0011, 2])).toBe(REFUSED);
  });

  test('executable files in memory are refused where that was asked for', () => {
    const refuseExecutableMemory = true;
    expect(decide('memfd_create', [0, 1])).toBe(ALLOWED);
    expect(decide('memfd_create', [0, 1], { refuseExecutableMemory })).toBe(REFUSED);
    expect(decide('memfd_create', [0, 9], { refuseExecutableMemory })).toBe(ALLOWED);
  });

  test('another architecture is killed', () => {
    expect(decide(1, [], { architecture: 0x40000003 })).toBe(KILLED);
  });

  if (calls.foreignBit !== 0) {
    test('the second table of the same architecture is refused as a whole', () => {
      expect(decide(calls.foreignBit | 39)).toBe(REFUSED);
      expect(decide(39)).toBe(ALLOWED);
    });
  }
});
