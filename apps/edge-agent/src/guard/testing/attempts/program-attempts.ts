import {
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { rawSystemCall } from '../../../native/raw-system-call.ts';
import { type Attempt, NotHere } from '../attempt-definition.ts';
import { runInside } from './run-inside.ts';

const SAY = ['-c', 'echo "$((40 + 2))"'];
const LOADERS = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'];

/** Executes it as a shell; the answer shows that it ran. */
function runShell(program: string, args: readonly string[] = SAY): void {
  const printed = runInside(program, args);
  if (!printed.includes('42')) throw Object.assign(new Error('EIO: it did not run'), { code: 'EIO' });
}

const PROGRAMS: readonly Omit<Attempt, 'stoppedBy'>[] = [
  { id: 'execute-shell', tries: 'execute a forbidden program', attempt: (stage) => runShell(stage.shell) },
  {
    id: 'execute-through-symlink',
    tries: 'execute it through a symbolic link with a harmless name',
    attempt: (stage) => {
      symlinkSync(stage.shell, join(stage.scratch, 'editor'));
      runShell(join(stage.scratch, 'editor'));
    },
  },
  {
    id: 'execute-through-hard-link',
    tries: 'execute it through a hard link with a harmless name',
    attempt: (stage) => {
      linkSync(stage.shell, join(stage.scratch, 'editor'));
      runShell(join(stage.scratch, 'editor'));
    },
  },
  {
    id: 'rename-then-execute',
    tries: 'give it a harmless name first',
    attempt: (stage) => {
      const elsewhere = join(stage.scratch, 'editor');
      renameSync(stage.shell, elsewhere);
      try {
        runShell(elsewhere);
      } finally {
        renameSync(elsewhere, stage.shell);
      }
    },
  },
  {
    id: 'swap-program-in',
    tries: 'move it to the name of a permitted program',
    attempt: (stage) => {
      const permitted = join(stage.scratch, 'permitted');
      copyFileSync('/bin/true', permitted);
      renameSync(stage.shell, permitted);
      try {
        runShell(permitted);
      } finally {
        renameSync(permitted, stage.shell);
      }
    },
  },
  {
    id: 'execute-by-loader',
    tries: 'hand it to the dynamic loader (ld.so PROGRAM)',
    attempt: (stage) => {
      const loader = LOADERS.find((path) => isThere(path));
      if (loader === undefined) throw new NotHere('there is no dynamic loader at a known place');
      runShell(loader, [stage.shell, ...SAY]);
    },
  },
  {
    id: 'execute-as-interpreter',
    tries: 'name it as the interpreter of a script',
    attempt: (stage) => {
      const script = join(stage.scratch, 'script');
      writeFileSync(script, `#!${stage.shell}\necho $((40 + 2))\n`, { mode: 0o755 });
      runShell(script, []);
    },
  },
  {
    id: 'execute-by-descriptor',
    tries: 'execute a descriptor of it (/proc/self/fd)',
    attempt: (stage) => {
      const fd = openSync(stage.shell, 'r');
      try {
        runShell(`/proc/${process.pid}/fd/${fd}`);
      } finally {
        closeSync(fd);
      }
    },
  },
  {
    id: 'execute-from-memory',
    tries: 'copy it to memory (memfd) and execute that',
    attempt: (stage) => {
      const fd = Number(rawSystemCall('memfdCreate', 'editor', 0));
      try {
        writeSync(fd, readFileSync(stage.shell));
        runShell(`/proc/${process.pid}/fd/${fd}`);
      } finally {
        closeSync(fd);
      }
    },
  },
  {
    id: 'execute-unlinked-copy',
    tries: 'copy it, remove the copy and execute what is left of it',
    attempt: (stage) => {
      const copy = join(stage.scratch, 'editor');
      copyFileSync(stage.shell, copy);
      chmodSync(copy, 0o755);
      const fd = openSync(copy, 'r');
      try {
        runInside('rm', ['-f', copy]);
        runShell(`/proc/${process.pid}/fd/${fd}`);
      } finally {
        closeSync(fd);
      }
    },
  },
  {
    id: 'execute-copy',
    tries: 'copy its bytes to a file with another name and execute that',
    attempt: (stage) => {
      const copy = join(stage.scratch, 'editor');
      copyFileSync(stage.shell, copy);
      chmodSync(copy, 0o755);
      runShell(copy);
    },
  },
  {
    id: 'execute-copy-of-same-name',
    tries: 'copy it elsewhere under its own name and execute that',
    attempt: (stage) => {
      const copy = join(stage.scratch, 'forbidden-shell');
      copyFileSync(stage.shell, copy);
      chmodSync(copy, 0o755);
      runShell(copy);
    },
  },
  {
    id: 'reverse-shell',
    tries: 'execute the forbidden shell with a socket as its input and output',
    attempt: (stage) => {
      const pair = Buffer.alloc(8);
      rawSystemCall('socketpair', 1, 1, 0, pair);
      const [near, far] = [pair.readInt32LE(0), pair.readInt32LE(4)];
      try {
        writeSync(near, 'exit 0\n');
        runInside(stage.shell, [], [far, far, far]);
      } finally {
        closeSync(near);
        closeSync(far);
      }
    },
  },
  {
    id: 'shell-in-pipeline',
    tries: 'pipe commands into the forbidden shell from another program',
    attempt: (stage) => {
      const printed = runInside('sh', ['-c', `echo 'echo $((40 + 2))' | ${stage.shell}`]);
      if (!printed.includes('42')) throw Object.assign(new Error('EIO: it did not run'), { code: 'EIO' });
    },
  },
  {
    id: 'execute-in-vault',
    tries: 'execute a program that lies in a forbidden folder',
    attempt: (stage) => runShell(join(stage.vault, 'tool')),
  },
];

export const PROGRAM_ATTEMPTS: readonly Attempt[] = PROGRAMS.map((attempt) => ({
  ...attempt,
  stoppedBy: 'kernel.programs',
}));

function isThere(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch {
    return false;
  }
}
