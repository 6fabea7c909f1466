import { Agent, request } from 'node:https';
import type { Duplex } from 'node:stream';
import { MAX_FRAME_BYTES } from '@raypher/shared';
import { dial } from './dial.ts';
import type { LinkTarget } from './line.ts';

export interface Answer {
  status: number;
  body: Buffer;
}

/** As much as the control plane lets wait for a device, and one frame more. Bytes. */
const MAX_ANSWER_BYTES = 4 * MAX_FRAME_BYTES;

/** At most two connections that are kept: one that waits for messages, one that sends. */
export class HttpConnections {
  readonly #target: LinkTarget;
  readonly #signal: AbortSignal;
  readonly #agent: Agent;

  /** @param signal ends everything that is under way */
  constructor(target: LinkTarget, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
    this.#agent = new DiallingAgent(target, signal);
  }

  /** @throws Error when there was no answer; see `kindOf` */
  ask(method: string, path: string, body: Buffer | undefined, withinMs: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const { host, port } = this.#target;
    const timeout = AbortSignal.timeout(withinMs);
    const fail = (error: Error) =>
      reject(timeout.aborted ? new Error('the control plane does not answer') : error);
    const asked = request(
      {
        agent: this.#agent,
        host,
        port,
        method,
        path,
        signal: AbortSignal.any([timeout, this.#signal]),
        headers:
          body === undefined
            ? {}
            : { 'content-type': 'application/x-protobuf', 'content-length': body.length },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) answer.destroy(new Error('the answer is too large'));
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
        answer.on('error', fail);
      },
    );
    asked.on('error', fail);
    asked.end(body);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Dials as the other transports do, through the proxy when there is one. */
class DiallingAgent extends Agent {
  readonly #target: LinkTarget;
  readonly #signal: AbortSignal;

  constructor(target: LinkTarget, signal: AbortSignal) {
    super({ keepAlive: true, maxSockets: 2 });
    this.#target = target;
    this.#signal = signal;
  }

  override createConnection(
    _options: object,
    done?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    dial(this.#target, this.#signal).then(
      (socket) => done?.(null, socket),
      // Node takes an error without a socket; its types do not say so.
      (error: Error) => (done as ((error: Error) => void) | undefined)?.(error),
    );
  }
}
