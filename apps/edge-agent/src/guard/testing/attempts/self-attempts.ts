import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { placeInMemory, rawSystemCall } from '../../../native/raw-system-call.ts';
import { type Attempt, NotHere } from '../attempt-definition.ts';
import type { Stage } from '../stage.ts';
import { expectMarker, readMarker } from './read-marker.ts';
import { runTool } from './run-inside.ts';

const [SIGKILL, SIGSTOP] = [9, 19];
const PTRACE_ATTACH = 16;
const PTRACE_DETACH = 17;
const F_SETOWN = 8;
const F_SETSIG = 10;
const O_ASYNC = 0o20000;
const RLIMIT_CPU = 0;
const BPF_OBJ_GET = 7;
const BPF_PROG_GET_NEXT_ID = 11;
const TIOCSTI = 0x5412;
const TIOCGPTPEER = 0x5441;
const TIOCSPTLCK = 0x40045431;

const agentGone = (stage: Stage): boolean => stateOf(stage.agentPid) === undefined;
const agentStopped = (stage: Stage): boolean => ['T', undefined].includes(stateOf(stage.agentPid));

/** Getting out of the group that the rules are for; what they try afterwards shows whether they did. */
const LEAVING: readonly Omit<Attempt, 'stoppedBy'>[] = [
  {
    id: 'leave-by-setsid',
    tries: 'start a session of its own, fork twice, be reparented, then read the secret',
    attempt: (stage) => {
      const out = join(stage.scratch, 'out');
      const script = `(setsid sh -c 'cat ${stage.secret} > ${out} 2>&1; echo >> ${out} end' &) ; i=0; while ! grep -q end ${out} 2>/dev/null; do i=$((i+1)); [ $i -gt 200 ] && exit 1; sleep 0.05; done`;
      runTool('sh', ['-c', script]);
      expectMarker(stage, readFileSync(out, 'utf8'));
    },
  },
  {
    id: 'leave-control-group',
    tries: 'move itself to the root of the control groups, then read the secret',
    alone: true,
    attempt: (stage) => {
      writeFileSync(join(stage.cgroupRoot, 'cgroup.procs'), String(process.pid));
      readMarker(stage, stage.secret);
    },
  },
  {
    id: 'write-control-group-file',
    tries: 'move a process to another control group',
    alone: true,
    attempt: (stage) => writeFileSync(join(stage.cgroupRoot, 'cgroup.procs'), String(process.pid)),
  },
  {
    id: 'make-control-group',
    tries: 'make a control group below its own, move there, then read the secret',
    alone: true,
    attempt: (stage) => {
      mkdirSync(join(stage.cgroup, 'below'), { recursive: true });
      writeFileSync(join(stage.cgroup, 'below', 'cgroup.procs'), String(process.pid));
      readMarker(stage, stage.secret);
    },
  },
  {
    id: 'user-namespace',
    tries: 'make a user namespace, be root in it',
    attempt: () => void runTool('unshare', ['-U', 'true']),
  },
  {
    id: 'pid-namespace',
    tries: 'make a process namespace, then read the secret',
    attempt: (stage) => expectMarker(stage, runTool('unshare', ['-p', '-f', 'cat', stage.secret])),
  },
  {
    id: 'control-group-namespace',
    tries: 'make a control-group namespace, then read the secret',
    attempt: (stage) => expectMarker(stage, runTool('unshare', ['-C', 'cat', stage.secret])),
  },
  {
    id: 'helper-of-the-kernel',
    tries: 'have the kernel start a program outside the tree (core_pattern)',
    // Writes what is there already: on a machine where it succeeds nothing changes.
    attempt: () => {
      const file = '/proc/sys/kernel/core_pattern';
      writeFileSync(file, readFileSync(file));
    },
  },
  {
    id: 'trace-sibling',
    tries: 'trace a process outside the tree, to have it do things',
    attempt: (stage) => {
      rawSystemCall('ptrace', PTRACE_ATTACH, stage.siblingPid, 0, 0);
      // It has to have stopped before it can be let go; the kernel sends SIGSTOP with attaching.
      waitUntil(() => stateOf(stage.siblingPid) === 't', 10_000);
      rawSystemCall('ptrace', PTRACE_DETACH, stage.siblingPid, 0, 0);
    },
  },
  {
    id: 'write-memory-of-sibling',
    tries: 'open the memory of a process outside the tree for writing (/proc/PID/mem)',
    attempt: (stage) => closeSync(openSync(`/proc/${stage.siblingPid}/mem`, 'r+')),
  },
  {
    id: 'process-vm-writev',
    tries: 'write to the memory of a process outside the tree (process_vm_writev)',
    attempt: (stage) => writeMemoryOf(stage),
  },
  {
    id: 'type-into-terminal',
    tries: 'put characters into a terminal as if somebody typed them (TIOCSTI)',
    attempt: () => {
      const main = openSync('/dev/ptmx', 'r+');
      try {
        rawSystemCall('ioctl', main, TIOCSPTLCK, Buffer.alloc(4));
        const peer = Number(rawSystemCall('ioctl', main, TIOCGPTPEER, 2));
        try {
          rawSystemCall('ioctl', peer, TIOCSTI, Buffer.from('x'));
        } finally {
          closeSync(peer);
        }
      } finally {
        closeSync(main);
      }
    },
  },
  {
    id: 'load-module',
    tries: 'load a kernel module',
    attempt: () => beyondTheCheck(() => rawSystemCall('initModule', Buffer.alloc(64), 64, '')),
  },
  {
    id: 'load-another-kernel',
    tries: 'prepare another kernel to boot (kexec_load)',
    attempt: () => void rawSystemCall('kexecLoad', 0, 0, null, 0),
  },
  {
    id: 'open-memory-device',
    tries: 'open the memory of the machine (/dev/mem)',
    attempt: () => {
      if (!existsSync('/dev/mem')) throw new NotHere('there is no /dev/mem');
      closeSync(openSync('/dev/mem', 'r+'));
    },
  },
];

/** Against the product itself. */
const AGAINST_US: readonly Omit<Attempt, 'stoppedBy'>[] = [
  {
    id: 'kill-agent',
    tries: 'kill -9 the product',
    attempt: (stage) => {
      process.kill(stage.agentPid, SIGKILL);
      waitUntil(() => agentGone(stage), 10_000);
    },
    endsAgent: true,
    happened: agentGone,
  },
  {
    id: 'kill-agent-by-handle',
    tries: 'kill it through a pidfd',
    attempt: (stage) => {
      const fd = Number(rawSystemCall('pidfdOpen', stage.agentPid, 0));
      try {
        rawSystemCall('pidfdSendSignal', fd, SIGKILL, null, 0);
        waitUntil(() => agentGone(stage), 10_000);
      } finally {
        closeSync(fd);
      }
    },
    endsAgent: true,
    happened: agentGone,
  },
  {
    id: 'stop-agent',
    tries: 'stop it (SIGSTOP)',
    attempt: (stage) => void process.kill(stage.agentPid, SIGSTOP),
  },
  {
    id: 'signal-thread-of-agent',
    tries: 'stop one of its threads (tgkill)',
    attempt: (stage) => void rawSystemCall('tgkill', stage.agentPid, stage.agentPid, SIGSTOP),
  },
  {
    id: 'signal-agent-by-io',
    tries: 'have the kernel send it SIGKILL when a pipe becomes readable (F_SETOWN, F_SETSIG)',
    attempt: (stage) => {
      const pair = Buffer.alloc(8);
      rawSystemCall('socketpair', 1, 1, 0, pair);
      const [near, far] = [pair.readInt32LE(0), pair.readInt32LE(4)];
      try {
        rawSystemCall('fcntl', near, F_SETOWN, stage.agentPid);
        rawSystemCall('fcntl', near, F_SETSIG, SIGKILL);
        rawSystemCall('fcntl', near, 4, O_ASYNC);
        writeFileSync(far, 'x');
      } finally {
        closeSync(near);
        closeSync(far);
      }
      if (!waitUntil(() => agentStopped(stage), 5_000))
        throw Object.assign(new Error('EPERM: no signal came'), { code: 'EPERM' });
    },
    endsAgent: true,
    happened: agentGone,
  },
  {
    id: 'trace-agent',
    tries: 'trace it',
    attempt: (stage) => {
      rawSystemCall('ptrace', PTRACE_ATTACH, stage.agentPid, 0, 0);
      waitUntil(() => stateOf(stage.agentPid) === 't', 10_000);
      rawSystemCall('ptrace', PTRACE_DETACH, stage.agentPid, 0, 0);
    },
  },
  {
    id: 'read-memory-of-agent',
    tries: 'read its memory (/proc/PID/mem)',
    attempt: (stage) => closeSync(openSync(`/proc/${stage.agentPid}/mem`, 'r')),
  },
  {
    id: 'read-environment-of-agent',
    tries: 'read its environment',
    attempt: (stage) => void readFileSync(`/proc/${stage.agentPid}/environ`),
  },
  {
    id: 'take-descriptor-of-agent',
    tries: 'copy a descriptor out of it (pidfd_getfd)',
    attempt: (stage) => {
      const fd = Number(rawSystemCall('pidfdOpen', stage.agentPid, 0));
      try {
        closeSync(Number(rawSystemCall('pidfdGetfd', fd, 0, 0)));
      } finally {
        closeSync(fd);
      }
    },
  },
  {
    id: 'make-agent-the-first-to-go',
    tries: 'have the kernel end it when memory is short (oom_score_adj)',
    attempt: (stage) => {
      const file = `/proc/${stage.agentPid}/oom_score_adj`;
      writeFileSync(file, readFileSync(file));
    },
  },
  {
    id: 'limit-agent',
    tries: 'set its resource limits (prlimit)',
    attempt: (stage) => {
      const limits = Buffer.alloc(16, 0xff);
      rawSystemCall('prlimit64', stage.agentPid, RLIMIT_CPU, limits, null);
    },
  },
  {
    id: 'use-bpf',
    tries: 'look for kernel programs with bpf()',
    attempt: () => beyondTheCheck(() => rawSystemCall('bpf', BPF_PROG_GET_NEXT_ID, Buffer.alloc(16), 16)),
  },
  {
    id: 'take-pinned-map',
    tries: "open the guard's maps, to change its rules",
    attempt: (stage) => {
      const { folder } = pinsOf(stage);
      const attributes = Buffer.alloc(16);
      attributes.writeBigUInt64LE(
        placeInMemory(Buffer.from(`${folder}/${pinNames(folder)[0] ?? 'map-inodes'}`)),
        0,
      );
      rawSystemCall('bpf', BPF_OBJ_GET, attributes, attributes.length);
    },
  },
  {
    id: 'unpin',
    tries: "remove the pins that hold the guard's programs",
    dangerous: true,
    attempt: (stage) => {
      const { folder } = pinsOf(stage);
      // Those who may not list it know the names from the published source.
      unlinkSync(join(folder, pinNames(folder)[0] ?? 'link-guard_open'));
    },
  },
  {
    id: 'rename-pins',
    tries: 'move the folder with the pins',
    dangerous: true,
    attempt: (stage) => renameSync(pinsOf(stage).folder, `${pinsOf(stage).folder}-gone`),
  },
  {
    id: 'umount-pins',
    tries: 'unmount the file system that the pins are in',
    dangerous: true,
    attempt: (stage) => void rawSystemCall('umount2', pinsOf(stage).mount, 2),
  },
];

export const SELF_ATTEMPTS: readonly Attempt[] = [...LEAVING, ...AGAINST_US].map((attempt) => ({
  ...attempt,
  stoppedBy: 'kernel.self',
}));

function pinsOf(stage: Stage): { folder: string; mount: string } {
  if (stage.pins === undefined) throw new NotHere('this back end pins nothing');
  return stage.pins;
}

function pinNames(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => basename(name));
  } catch {
    return [];
  }
}

/** A signal that was sent takes effect when its receiver runs next. @returns whether it came to be, within this time */
function waitUntil(isSo: () => boolean, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (!isSo() && performance.now() < deadline) Atomics.wait(pause, 0, 0, 2);
  return isSo();
}

/** The letter of /proc/PID/stat; undefined: there is no such process. */
function stateOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const state = text.slice(text.lastIndexOf(')') + 2)[0];
    return state === 'Z' ? undefined : state;
  } catch {
    return undefined;
  }
}

function writeMemoryOf(stage: Stage): void {
  // With an address that is not mapped, EFAULT says that nothing but the address was wrong.
  const local = Buffer.alloc(16);
  local.writeBigUInt64LE(placeInMemory(Buffer.from('x')), 0);
  local.writeBigUInt64LE(1n, 8);
  const remote = Buffer.alloc(16);
  remote.writeBigUInt64LE(0x10n, 0);
  remote.writeBigUInt64LE(1n, 8);
  beyondTheCheck(() => rawSystemCall('processVmWritev', stage.siblingPid, local, 1, remote, 1, 0));
}

/** Any other error than a refusal comes after the permission was given. */
function beyondTheCheck(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EPERM' || code === 'EACCES' || code === 'ENOSYS') throw error;
  }
}
