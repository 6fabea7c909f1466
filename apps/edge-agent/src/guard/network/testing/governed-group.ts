import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { CallerFinder } from '../../../callers/caller-finder.ts';
import { kernelObjectFile } from '../../../kernel-object-file.ts';
import { libbpfMissing } from '../../../native/libbpf.ts';
import { libnftablesMissing, Nftables } from '../../../native/libnftables.ts';
import { type Cgroup, type Cgroups, probeCgroups } from '../../../response/cgroup.ts';
import { openBpfRedirect, openNftRedirect, type RedirectOptions } from '../open-redirect.ts';
import type { Deed, Outcome } from './deed.ts';

const PROGRAM = new URL('governed-program.ts', import.meta.url).pathname;

/** The two ways to lead connections, each with why it cannot be tested here; undefined when it can. */
export const REDIRECTS = {
  cgroup: {
    open: openBpfRedirect,
    untestable: networkProgramsUntestable,
    stays: ({ pins }: GovernedFolder) => existsSync(pins),
    /** What connecting ends with while no agent is there. */
    closedWith: 'EPERM',
  },
  nftables: {
    open: openNftRedirect,
    untestable: () => controlGroupsUntestable() ?? packetFilterUntestable(),
    stays: ({ name }: GovernedFolder) => tables().some((table) => table.startsWith(name)),
    closedWith: 'ECONNREFUSED',
  },
} as const;

export function isRedirect(way: string): way is keyof typeof REDIRECTS {
  return way in REDIRECTS;
}

/** Why this kernel does not take such rules. */
function packetFilterUntestable(): string | undefined {
  const missing = libnftablesMissing();
  if (missing !== undefined) return missing;
  const table = `raypher-test-${process.pid}-probe`;
  const rules = [
    'fib saddr type local accept',
    'log group 1',
    'ip daddr 192.0.2.1 meta l4proto tcp redirect to :1',
  ];
  try {
    using nft = Nftables.open();
    nft.run(
      [
        `add table inet ${table} { flags owner; }`,
        `add chain inet ${table} tried { type nat hook output priority -150; }`,
        ...rules.map((rule) => `add rule inet ${table} tried ${rule}`),
        `delete table inet ${table}`,
      ].join('\n'),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Names of all tables of the packet filter. */
export function tables(): string[] {
  using nft = Nftables.open();
  return Array.from(nft.run('list tables').matchAll(/^table \w+ (\S+)$/gm), ([, name = '']) => name);
}

function controlGroupsUntestable(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root: run the tests as root to see these';
  const groups = probeCgroups(`raypher-test-${process.pid}`);
  if (!groups.available) return groups.reason;
  groups.cgroups.removeFolder();
  return undefined;
}

/** Why kernel programs for control groups cannot be tested here; undefined when they can. */
export function networkProgramsUntestable(): string | undefined {
  const reason = controlGroupsUntestable();
  if (reason !== undefined) return reason;
  if (!existsSync(kernelObjectFile('network.bpf.o')))
    return 'the kernel programs are not built: npm run build, with clang';
  return libbpfMissing();
}

/** A folder of control groups as the product has one, but a test's own. */
export class GovernedFolder {
  readonly name: string;
  readonly cgroups: Cgroups;
  readonly #programs: GovernedProgram[] = [];

  /** @param name given: that another process made */
  constructor(name = `raypher-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`) {
    this.name = name;
    const probe = probeCgroups(this.name);
    if (!probe.available) throw new Error(probe.reason);
    this.cgroups = probe.cgroups;
  }

  /** Folder for pins, in a file system of type bpf. */
  get pins(): string {
    return `/sys/fs/bpf/${this.name}`;
  }

  redirectOptions(finder: CallerFinder): RedirectOptions {
    const { cgroups, pins, name: table } = this;
    return { cgroups, pins, table, finder, objectFile: () => kernelObjectFile('network.bpf.o') };
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
      await cgroup.waitEmpty(20_000);
      cgroup.remove();
    }
    this.cgroups.removeFolder();
  }
}

export class GovernedProgram {
  readonly cgroup: Cgroup;
  readonly child: ChildProcess;
  #deeds = 0;

  constructor(cgroup: Cgroup, child: ChildProcess) {
    this.cgroup = cgroup;
    this.child = child;
  }

  async does(deed: Deed): Promise<Outcome> {
    const id = this.#deeds++;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const listen = (answer: { id: number; outcome: Outcome }): void => {
      if (answer.id === id) resolve(answer.outcome);
    };
    this.child.on('message', listen);
    this.child.send({ id, deed });
    return promise.finally(() => this.child.off('message', listen));
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
