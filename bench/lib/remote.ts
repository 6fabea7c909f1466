import type { Serializable } from 'node:child_process';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** grpc-js dials addresses by number, which Node only warns about; ports of the inspector interest nobody here. */
const QUIET = ['--disable-warning=DEP0123', '--inspect-publish-uid=http'];

/** What a parent may call in a child: one argument and one answer, both plain data. */
export type RemoteMethods = Record<string, (argument: never) => unknown>;

type Argument<M> = M extends (argument: infer A) => unknown ? A : never;
type Answer<M> = M extends (argument: never) => infer R ? Awaited<R> : never;

interface Call {
  id: number;
  method: string;
  argument: unknown;
}
interface Reply {
  id: number;
  answer?: unknown;
  error?: string;
}

/**
 * A program of the bench in a process of its own, so that what is measured does not share its memory and its event
 * loop with what measures.
 */
export class Remote<M extends RemoteMethods> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #calls = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply: Reply) => this.#waiting.get(reply.id)?.(reply));
    child.once('exit', (code, signal) => {
      for (const [id, settle] of this.#waiting)
        settle({ id, error: `the process ended (${code ?? signal})` });
    });
  }

  /** @param script a module that calls {@link serveRemote}; `execArgv` are options of its Node */
  static async start<M extends RemoteMethods>(script: URL, execArgv: string[] = []): Promise<Remote<M>> {
    // Advanced serialisation carries Float64Array and bigint as they are.
    const child = fork(script, {
      execArgv: [...QUIET, ...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const remote = new Remote<M>(child);
    await once(child, 'spawn');
    return remote;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async call<K extends keyof M & string>(method: K, argument: Argument<M[K]>): Promise<Answer<M[K]>> {
    this.#calls += 1;
    const id = this.#calls;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#waiting.set(id, resolve);
    this.#child.send({ id, method, argument } satisfies Call);
    const reply = await promise;
    this.#waiting.delete(id);
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error}`);
    // Both ends are typed with the same methods.
    return reply.answer as Answer<M[K]>;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** The child's end. */
export function serveRemote(methods: RemoteMethods): void {
  process.on('message', async ({ id, method, argument }: Call) => {
    try {
      const call = methods[method];
      if (call === undefined) throw new Error('there is no such method');
      // The parent is typed with the same methods.
      reply({ id, answer: await call(argument as never) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
}

function reply(message: Reply): void {
  process.send?.(message as unknown as Serializable);
}
