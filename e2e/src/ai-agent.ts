import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** One call of an AI agent, as its official client experienced it. */
export interface Call {
  at: number;
  answeredAt: number;
  ok: boolean;
  error?: string;
  status?: number;
  code?: string;
  message?: string;
}

/** A real AI agent process that calls its model in a loop. */
export class AiAgent {
  readonly process: ChildProcess;
  readonly calls: Call[] = [];
  readonly #events = new EventEmitter();

  constructor(options: {
    script?: string;
    baseUrl: string;
    args?: string[];
    cwd?: string;
    env?: Record<string, string>;
  }) {
    const script = options.script ?? fileURLToPath(new URL('../agents/calls-in-a-loop.mjs', import.meta.url));
    this.process = spawn(process.execPath, [script, ...(options.args ?? [])], {
      env: {
        PATH: process.env.PATH,
        OPENAI_BASE_URL: options.baseUrl,
        OPENAI_API_KEY: 'not-a-key',
        ...options.env,
      },
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.process.stdout === null) throw new Error('the AI agent has no output');
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      const call = JSON.parse(line) as Call; // written by agents/calls-in-a-loop.mjs
      this.calls.push(call);
      this.#events.emit('call', call);
    });
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error('the AI agent did not start');
    return pid;
  }

  /** The first call begun at or after `since` that fits; waits for it. */
  async next(fits: (call: Call) => boolean, since: number, withinMs = 60_000): Promise<Call> {
    const signal = AbortSignal.timeout(withinMs);
    for (let seen = 0; ; ) {
      for (; seen < this.calls.length; seen++) {
        const call = this.calls[seen];
        if (call !== undefined && call.at >= since && fits(call)) return call;
      }
      await once(this.#events, 'call', { signal });
    }
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
  }
}
