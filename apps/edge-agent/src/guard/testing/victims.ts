import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Processes that attempts are made on. */
export class Victims implements AsyncDisposable {
  readonly #children: ChildProcess[] = [];

  /** @returns the pid of a process that only sleeps */
  start(): number {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    this.#children.push(child);
    return child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#children.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(running.map((child) => once(child, 'exit')));
  }
}
