import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readProcText } from '../discovery/procfs.ts';
import { readStat } from '../discovery/stat.ts';
import { Cgroups, findCgroupMount, probeCgroups } from './cgroup.ts';
import { signalProcess } from './signal.ts';
import { type ProcessRef, ProcessTree } from './tree.ts';

/** Freezing, killing and looking at other users' processes need root; otherwise the reason, for skipped tests. */
export const withoutRoot =
  process.getuid?.() === 0 ? undefined : 'needs root: run the tests as root to see these';

/** Real processes and files of one test; everything is gone after `end`. */
export class Stage {
  readonly directory = mkdtempSync(join(tmpdir(), 'raypher-stage-'));
  /** Own folder in the control-group hierarchy, so that an installed agent is never disturbed. */
  readonly cgroupFolder = `raypher-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly #children: ChildProcess[] = [];
  readonly #started: ProcessRef[] = [];

  cgroups(): Cgroups {
    const probe = probeCgroups(this.cgroupFolder);
    if (probe.available) return probe.cgroups;
    throw new Error(probe.reason);
  }

  write(path: string, text: string): string {
    const full = join(this.directory, path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, text);
    return full;
  }

  /** Starts a process that prints a line once it is ready. */
  async start(command: string, parameters: readonly string[], options: SpawnOptions = {}): Promise<Started> {
    const child = spawn(command, parameters, {
      cwd: this.directory,
      env: { PATH: process.env.PATH },
      ...options,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#children.push(child);
    await once(child, 'spawn');
    if (child.stdout === null || child.pid === undefined) throw new Error('not started');
    const [line] = await once(child.stdout, 'data');
    const stat = readStat(child.pid);
    if (stat === undefined) throw new Error(`${command} has ended`);
    this.#started.push({ pid: child.pid, startTime: stat.startTime });
    return { child, pid: child.pid, startTime: stat.startTime, firstLine: String(line).trim() };
  }

  async end(): Promise<void> {
    for (const member of new ProcessTree(this.#started).collect()) signalProcess(member, 'SIGKILL');
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, 'exit');
      child.kill('SIGKILL');
      await closed;
    }
    const mountinfo = readProcText('/proc/self/mountinfo');
    const mount = mountinfo.ok ? findCgroupMount(mountinfo.value) : undefined;
    if (mount !== undefined) {
      const cgroups = new Cgroups(mount, this.cgroupFolder);
      for (const name of cgroups.list()) {
        const group = cgroups.open(name);
        group?.setFrozen(false);
        group?.kill();
        await until(`nobody is left in ${name}`, () => group?.remove() !== false);
      }
      cgroups.removeFolder();
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface Started extends ProcessRef {
  child: ChildProcess;
  firstLine: string;
}

/** A Node script that uses a processor without end. */
export const BUSY_SCRIPT = `console.log('ready'); const burn = () => { const end = Date.now() + 5; while (Date.now() < end); setImmediate(burn); }; burn();`;

/**
 * A Python script that goes on in a child of a child without end, each in a session of its own, once there is a file
 * `hop`; for a minute at most.
 */
export const HOPPING_SCRIPT = `import os, time
print('ready', flush=True)
while not os.path.exists('hop'): time.sleep(0.01)
end = time.monotonic() + 60
while time.monotonic() < end:
    if os.fork(): os._exit(0)
    os.setsid()
`;

/** Processor time used so far, clock ticks. */
export function ticksOf(process: { pid: number }): number {
  const stat = readStat(process.pid);
  if (stat === undefined) throw new Error(`process ${process.pid} has ended`);
  return stat.cpuTicks;
}

/** Waits for a state of the real system; the test fails when it does not come. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${timeoutMs} ms: ${what}`);
    await delay(5);
  }
}

/** Waits until a process has computed for some ticks more: the measure of time in which another one must stand still. */
export async function untilTicksAdvance(process: { pid: number }, ticks = 8): Promise<void> {
  const before = ticksOf(process);
  await until(`process ${process.pid} computes`, () => ticksOf(process) >= before + ticks, 30_000);
}
