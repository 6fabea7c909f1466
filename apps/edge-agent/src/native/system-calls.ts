/** Numbers of system calls, per architecture of the kernel (asm/unistd_64.h, asm-generic/unistd.h). */
export interface SystemCalls {
  /** AUDIT_ARCH_* of <linux/audit.h>: what seccomp calls the architecture. */
  readonly architecture: number;
  /** Set in the numbers of a second table that shares the architecture (x32); 0 where there is none. */
  readonly foreignBit: number;
  readonly numbers: Readonly<Record<SystemCallName, number>>;
}

/** The same on all 64-bit tables: calls since Linux 5.0 have one number everywhere. */
const COMMON = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  clone3: 435,
  pidfd_getfd: 438,
  process_madvise: 440,
  mount_setattr: 442,
  open_tree_attr: 467,
} as const;

const X64 = {
  ...COMMON,
  ioctl: 16,
  socket: 41,
  clone: 56,
  ptrace: 101,
  pivot_root: 155,
  acct: 163,
  mount: 165,
  umount2: 166,
  swapon: 167,
  swapoff: 168,
  reboot: 169,
  iopl: 172,
  ioperm: 173,
  init_module: 175,
  delete_module: 176,
  kexec_load: 246,
  add_key: 248,
  request_key: 249,
  keyctl: 250,
  unshare: 272,
  perf_event_open: 298,
  fanotify_init: 300,
  open_by_handle_at: 304,
  prlimit64: 302,
  setns: 308,
  process_vm_readv: 310,
  process_vm_writev: 311,
  kcmp: 312,
  finit_module: 313,
  memfd_create: 319,
  kexec_file_load: 320,
  bpf: 321,
  userfaultfd: 323,
} as const;

export type SystemCallName = keyof typeof X64;

const ARM64: Readonly<Record<SystemCallName, number>> = {
  ...COMMON,
  ioctl: 29,
  umount2: 39,
  mount: 40,
  pivot_root: 41,
  acct: 89,
  unshare: 97,
  kexec_load: 104,
  init_module: 105,
  delete_module: 106,
  ptrace: 117,
  reboot: 142,
  socket: 198,
  add_key: 217,
  request_key: 218,
  keyctl: 219,
  clone: 220,
  swapon: 224,
  swapoff: 225,
  perf_event_open: 241,
  fanotify_init: 262,
  prlimit64: 261,
  open_by_handle_at: 265,
  setns: 268,
  process_vm_readv: 270,
  process_vm_writev: 271,
  kcmp: 272,
  finit_module: 273,
  memfd_create: 279,
  bpf: 280,
  userfaultfd: 282,
  kexec_file_load: 294,
  // Ports of a PC: arm64 has neither call, and no number to refuse.
  iopl: -1,
  ioperm: -1,
};

/** Of the machines this agent runs on; the table of arm64 is by the kernel's headers and was not run. */
export const SYSTEM_CALLS: Readonly<Partial<Record<NodeJS.Architecture, SystemCalls>>> = {
  x64: { architecture: 0xc000003e, foreignBit: 0x40000000, numbers: X64 },
  arm64: { architecture: 0xc00000b7, foreignBit: 0, numbers: ARM64 },
};
