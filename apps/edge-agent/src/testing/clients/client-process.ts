import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { proxyVariables, trustVariables } from '../../interception/client-environment.ts';
import type { Task, TaskResult } from './client-program.ts';

const PROGRAM = fileURLToPath(new URL('client-program.ts', import.meta.url));

/** A program with every client in it, in the environment that `raypher run` gives. */
export class ClientProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(proxyPort: number, rootFile: string): Promise<ClientProcess> {
    const { PATH } = process.env;
    const env = { PATH, ...trustVariables(rootFile), ...proxyVariables(proxyPort, {}) };
    const child = fork(PROGRAM, { env, execArgv: ['--disable-warning=ExperimentalWarning'] });
    await once(child, 'message');
    return new ClientProcess(child);
  }

  async run(task: Task): Promise<TaskResult> {
    this.#child.send(task);
    const [answer] = await once(this.#child, 'message');
    return JSON.parse(String(answer));
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}
