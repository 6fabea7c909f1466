import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Answer, Order } from './inside.ts';

/** Starts a command that moves itself into a control group before it executes anything. */
export function spawnInGroup(cgroup: string, command: readonly string[]): ChildProcess {
  const script = `echo $$ > ${cgroup}/cgroup.procs && exec "$@"`;
  return spawn('/bin/sh', ['-c', script, 'sh', ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** `inside.ts`, in a control group or outside of all. */
export class InsideProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(program: string, cgroup?: string) {
    const command = [process.execPath, program];
    this.child =
      cgroup === undefined
        ? spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
        : spawnInGroup(cgroup, command);
    if (this.child.stdout === null) throw new TypeError('its output is a pipe');
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async ask(order: Order): Promise<Answer> {
    this.child.stdin?.write(`${JSON.stringify(order)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the process ended at ${order.do}`);
    // What comes here is what `inside.ts` wrote.
    return JSON.parse(value) as Answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.stdin?.end();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}
