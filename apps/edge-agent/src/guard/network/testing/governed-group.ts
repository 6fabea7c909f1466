import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { kernelObjectFile } from '../../../kernel-object-file.ts';
import { libbpfMissing } from '../../../native/libbpf.ts';
import { type Cgroup, type Cgroups, probeCgroups } from '../../../response/cgroup.ts';
import type { Deed, Outcome } from './deed.ts';

const PROGRAM = new URL('governed-program.ts', import.meta.url).pathname;

/** Why kernel programs for control groups cannot be tested here; undefined when they can. */
export function networkProgramsUntestable(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root: run the tests as root to see these';
  const groups = probeCgroups(`raypher-test-${process.pid}`);
  if (!groups.available) return groups.reason;
  groups.cgroups.removeFolder();
  if (!existsSync(kernelObjectFile('network.bpf.o')))
    return 'the kernel programs are not built: npm run build, with clang';
  return libbpfMissing();
}

/** A folder of control groups as the product has one, but a test's own. */
export class GovernedFolder {
  readonly name = `raypher-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly cgroups: Cgroups;
  readonly #programs: GovernedProgram[] = [];

  constructor() {
    const probe = probeCgroups(this.name);
    if (!probe.available) throw new Error(probe.reason);
    this.cgroups = probe.cgroups;
  }

  /** Folder for pins, in a file system of type bpf. */
  get pins(): string {
    return `/sys/fs/bpf/${this.name}`;
  }

  /** Starts a program in a group of its own. */
  async start(group: string): Promise<GovernedProgram> {
    const cgroup = this.cgroups.create(group);
    const child = fork(PROGRAM, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const program = new GovernedProgram(cgroup, child);
    this.#programs.push(program);
    await once(child, 'spawn');
    if (child.pid === undefined || !cgroup.add(child.pid)) throw new Error('not started');
    return program;
  }

  async end(): Promise<void> {
    for (const { child, cgroup } of this.#programs) {
      const gone = child.exitCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await gone;
      cgroup.kill();
      await cgroup.waitEmpty(5000);
      cgroup.remove();
    }
    this.cgroups.removeFolder();
  }
}

export class GovernedProgram {
  readonly cgroup: Cgroup;
  readonly child: ChildProcess;

  constructor(cgroup: Cgroup, child: ChildProcess) {
    this.cgroup = cgroup;
    this.child = child;
  }

  async does(deed: Deed): Promise<Outcome> {
    const answered = once(this.child, 'message');
    this.child.send(deed);
    const [outcome] = await answered;
    return outcome;
  }

  /** Runs a command in the same group, in place of a shell that enters it first. */
  run(
    command: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const enter = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"';
    return promisify(execFile)('/bin/sh', ['-c', enter, 'sh', this.cgroup.path, ...command], {
      env: { PATH: process.env.PATH, ...env },
      timeout: 30_000,
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    );
  }
}
