import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { writeCanonical } from '../canonical/write-canonical.ts';
import { GATE_RESULTS, type GateMethod, type GateResult } from './gate-results.ts';
import { LineBuffer } from './line-buffer.ts';

/** Answers hold a canonical request at most, which JSON may spell six times as long. */
const LONGEST_ANSWER = 8 * 1_048_576;
const TIMEOUT = 5_000;

/** No answer: the gate is not there, went away, was too slow or said what it should not. It means no. */
export class GateUnavailableError extends Error {
  override readonly name = 'GateUnavailableError';
}

/** The gate refused a call. */
export class GateCallError extends Error {
  override readonly name = 'GateCallError';
  /** Of JSON-RPC. */
  readonly code: number;
  /** Such as `gate/forbidden`. */
  readonly fault: string | undefined;

  constructor(code: number, message: string, fault: string | undefined) {
    super(message);
    this.code = code;
    this.fault = fault;
  }
}

const answerSchema = z.object({
  id: z.int().nullable(),
  result: z.unknown().optional(),
  error: z
    .object({
      code: z.number(),
      message: z.string(),
      data: z
        .object({ code: z.string(), detail: z.string().optional(), fault: z.string().optional() })
        .optional(),
    })
    .optional(),
});

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export interface CheckCall {
  permit?: string;
  issue?: boolean;
  subject?: string;
  /** Milliseconds. */
  waitMs?: number;
}

type Scalars = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * A connection to the gate. Every failure is an exception, and every exception means that the action must not
 * happen.
 *
 * @example
 * const gate = await connectGate('/run/raypher/gate.sock');
 * const { verdict } = await gate.check({ v: 1, action: 'file.write', target: '/srv/a.txt' });
 * if (verdict !== 'ALLOW') throw new Error('not allowed');
 */
export class GateClient {
  readonly #socket: Socket;
  readonly #timeout: number;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #gone: Error | undefined;

  /** @param timeout milliseconds per call */
  constructor(socket: Socket, timeout: number) {
    this.#socket = socket;
    this.#timeout = timeout;
    const lines = new LineBuffer(LONGEST_ANSWER);
    socket.on('data', (chunk: Buffer) => {
      if (!lines.feed(chunk, (line) => this.#take(line))) this.#end('The gate sent too long a line.');
    });
    socket.on('error', (error) => this.#end('The connection to the gate failed.', error));
    socket.on('close', () => this.#end('The gate closed the connection.'));
  }

  /**
   * Whether an action may happen. `issue` asks for a permit with an ALLOW; `waitMs` waits that long for a person
   * where the policy wants one asked.
   */
  async check(request: unknown, options: CheckCall = {}): Promise<GateResult<'gate_check'>> {
    const { text, normalised } = writeCanonical(request);
    const { waitMs, ...rest } = options;
    const params = waitMs === undefined ? rest : { ...rest, wait: true, wait_ms: waitMs };
    const answer = await this.#call('gate_check', params, text, this.#timeout + (waitMs ?? 0));
    return { ...answer, normalised: answer.normalised || normalised };
  }

  /** What a person said about a question that `check` put; a yes comes as a permit, once. */
  approvalResult(approval: string, waitMs?: number): Promise<GateResult<'approval_result'>> {
    const params = waitMs === undefined ? { approval } : { approval, wait: true, wait_ms: waitMs };
    return this.#call('approval_result', params, undefined, this.#timeout + (waitMs ?? 0));
  }

  async hashCar(request: unknown): Promise<GateResult<'hash_car'>> {
    const { text, normalised } = writeCanonical(request);
    const answer = await this.#call('hash_car', {}, text);
    return { ...answer, normalised: answer.normalised || normalised };
  }

  /** Takes one use of a permit. */
  verifyPermit(permit: string, car: string, subject?: string): Promise<GateResult<'verify_permit'>> {
    return this.#call('verify_permit', { permit, car, subject });
  }

  /** On the privileged socket. */
  createPermit(order: {
    car: string;
    subject: string;
    verdict: 'ALLOW' | 'PROMPT';
    lifetimeMs?: number;
    uses?: number;
  }): Promise<GateResult<'create_permit'>> {
    const { lifetimeMs, ...rest } = order;
    return this.#call('create_permit', { ...rest, lifetime_ms: lifetimeMs });
  }

  cacheGet(key: { car: string; subject?: string; revision: number }): Promise<GateResult<'cache_get'>> {
    return this.#call('cache_get', key);
  }

  /** On the privileged socket. */
  cachePut(entry: {
    car: string;
    subject: string;
    revision: number;
    verdict: 'ALLOW' | 'DENY' | 'PROMPT';
    rule: string;
    reason: string;
  }): Promise<GateResult<'cache_put'>> {
    return this.#call('cache_put', entry);
  }

  /** On the privileged socket. */
  cacheInvalidate(which: { car?: string; subject?: string } = {}): Promise<GateResult<'cache_invalidate'>> {
    return this.#call('cache_invalidate', which);
  }

  cacheStats(): Promise<GateResult<'cache_stats'>> {
    return this.#call('cache_stats', {});
  }

  checkReplay(nonce: string, lifetimeMs: number): Promise<GateResult<'check_replay'>> {
    return this.#call('check_replay', { nonce, lifetime_ms: lifetimeMs });
  }

  replayStats(): Promise<GateResult<'replay_stats'>> {
    return this.#call('replay_stats', {});
  }

  ping(): Promise<GateResult<'ping'>> {
    return this.#call('ping', {});
  }

  version(): Promise<GateResult<'version'>> {
    return this.#call('version', {});
  }

  close(): void {
    this.#end('The connection was closed.');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #call<M extends GateMethod>(
    method: M,
    params: Scalars,
    request?: string,
    timeout = this.#timeout,
  ): Promise<GateResult<M>> {
    if (this.#gone !== undefined) throw this.#gone;
    this.#lastId += 1;
    const id = this.#lastId;
    const scalars = JSON.stringify(params);
    // The request goes as the text that was checked here: JSON.stringify would turn NaN into null.
    const whole =
      request === undefined
        ? scalars
        : `{"request":${request}${scalars === '{}' ? '' : ','}${scalars.slice(1)}`;
    const result = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => this.#end(`The gate did not answer within ${timeout} ms.`), timeout);
      this.#pending.set(id, { resolve, reject, timer });
      this.#socket.write(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${whole}}\n`);
    });
    const checked = GATE_RESULTS[method].safeParse(result);
    if (!checked.success) throw new GateUnavailableError(`The gate's answer to ${method} is malformed.`);
    // The schema of this method made it; TypeScript cannot tie the two through the look-up.
    return checked.data as GateResult<M>;
  }

  #take(line: string | undefined): void {
    let answer: z.infer<typeof answerSchema>;
    try {
      answer = answerSchema.parse(JSON.parse(line ?? ''));
    } catch (error) {
      this.#end('The gate sent something else than an answer.', error);
      return;
    }
    const { id, error, result } = answer;
    const pending = id === null ? undefined : this.#pending.get(id);
    if (id === null || pending === undefined) {
      this.#end(error?.message ?? 'The gate answered what was not asked.');
      return;
    }
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (error === undefined) pending.resolve(result);
    else {
      const { detail = error.message, fault, code } = error.data ?? { code: undefined };
      pending.reject(new GateCallError(error.code, detail, fault ?? code));
    }
  }

  #end(why: string, cause?: unknown): void {
    this.#gone ??= new GateUnavailableError(why, { cause });
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#gone);
    }
    this.#pending.clear();
    this.#socket.destroy();
  }
}

/**
 * Connects to a gate's socket.
 *
 * @param options.timeout milliseconds for connecting and for each call; 5 s unless given
 * @param options.trust whether the one who answers there is the gate, such as by its user; before anything is asked
 * @throws GateUnavailableError
 */
export function connectGate(
  path: string,
  options: { timeout?: number; trust?: (socket: Socket) => boolean } = {},
): Promise<GateClient> {
  const timeout = options.timeout ?? TIMEOUT;
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const refuse = (why: string, cause?: unknown) => {
      socket.destroy();
      reject(new GateUnavailableError(why, { cause }));
    };
    const timer = setTimeout(() => refuse(`Nobody answers at ${path}.`), timeout);
    const onError = (error: Error) => {
      clearTimeout(timer);
      refuse(`There is no gate at ${path}.`, error);
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      if (options.trust?.(socket) === false) {
        refuse(`Somebody else answers at ${path}.`);
        return;
      }
      resolve(new GateClient(socket, timeout));
    });
  });
}
