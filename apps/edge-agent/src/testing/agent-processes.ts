import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MAIN, TEST_ENVIRONMENT } from './command-line.ts';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command line on one data folder, each command and the service in a process of its own. */
export class AgentProcesses {
  readonly dataDir: string;
  /** The service. */
  service: ChildProcess | undefined;
  /** All that the service printed. */
  output = '';
  readonly #environment: NodeJS.ProcessEnv;

  constructor(dataDir: string, environment: NodeJS.ProcessEnv) {
    this.dataDir = dataDir;
    this.#environment = { PATH: process.env.PATH, ...TEST_ENVIRONMENT, HOME: dataDir, ...environment };
  }

  /** The words that start a command, for whoever starts it in another way. */
  command(args: readonly string[]): [string, ...string[]] {
    return [process.execPath, MAIN, ...args, '--data-dir', this.dataDir];
  }

  get environment(): NodeJS.ProcessEnv {
    return this.#environment;
  }

  async run(args: readonly string[], input = ''): Promise<Outcome> {
    const [program, ...words] = this.command(args);
    const child = spawn(program, words, { env: this.#environment });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    // It may have refused before it read.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    return { code, stdout, stderr };
  }

  /** Starts the service under a shell that allows core dumps, in its data folder. @returns the port of its proxy */
  async start(environment: NodeJS.ProcessEnv = {}): Promise<number> {
    const args = ['service', '--proxy-port', '0', '--config', join(this.dataDir, 'test.toml')];
    const started = spawn('/bin/sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', ...this.command(args)], {
      env: { ...this.#environment, ...environment },
      cwd: this.dataDir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.service = started;
    started.stderr.on('data', (chunk) => {
      this.output += chunk;
    });
    for await (const line of createInterface({ input: started.stdout })) {
      this.output += line;
      const { port } = JSON.parse(line);
      if (typeof port !== 'number') continue;
      started.stdout.on('data', (chunk) => {
        this.output += chunk;
      });
      started.stdout.resume();
      return port;
    }
    throw new Error(`the service did not start: ${this.output}`);
  }

  /** Ends the service with a signal. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { service } = this;
    this.service = undefined;
    if (service === undefined || service.exitCode !== null || service.signalCode !== null) return;
    const gone = once(service, 'exit');
    service.kill(signal);
    await gone;
  }
}
