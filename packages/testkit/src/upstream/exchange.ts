import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Behaviour } from './behaviour.ts';

/** The answer went out whole, the client hung up before that, or we cut the connection as asked. */
export type Outcome = 'complete' | 'abandoned' | 'dropped';

/** A request as it arrived, for assertions. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The body as JSON; `undefined` when it is not JSON. */
  readonly json: unknown;
  /** How it ended, once it has: see {@link closed}. */
  outcome: Outcome | undefined;
  readonly closed: Promise<Outcome>;
}

/** One event of a stream, already in its wire form. */
export type StreamEvent = string;

/** A provider's error, in its own words. */
export interface ProviderError {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** One request being answered. */
export class Exchange {
  readonly request: RecordedRequest;
  readonly behaviour: Behaviour;
  /** Increases by one with every request since the last reset: ids made from it are the same in every run. */
  readonly number: number;
  readonly #response: ServerResponse;

  constructor(request: RecordedRequest, response: ServerResponse, behaviour: Behaviour, number: number) {
    this.request = request;
    this.behaviour = behaviour;
    this.number = number;
    this.#response = response;
  }

  /** `prefix` and 24 digits. */
  id(prefix: string): string {
    return `${prefix}${this.number.toString(16).padStart(24, '0')}`;
  }

  header(name: string): string {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : '';
  }

  json(status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.#response.writeHead(status, { 'content-type': 'application/json', ...headers });
    this.#response.end(JSON.stringify(body));
  }

  fail(error: ProviderError): void {
    this.json(error.status, error.body, error.headers);
  }

  /**
   * Sends a stream with the pace and the faults that were asked for.
   *
   * @param errorEvent - what this provider sends when something breaks in the middle.
   */
  async stream(
    contentType: string,
    events: Iterable<StreamEvent>,
    errorEvent: StreamEvent,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const { chunkDelayMs, dropAfterEvents, errorAfterEvents } = this.behaviour;
    this.#response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-cache', ...headers });
    if (this.behaviour.cutAt !== undefined) {
      await this.#writeCut(Buffer.from([...events].join('')), this.behaviour.cutAt);
      return;
    }
    let sent = 0;
    for (const event of events) {
      if (this.request.outcome !== undefined) return;
      if (sent === dropAfterEvents) {
        this.request.outcome = 'dropped';
        this.#response.destroy();
        return;
      }
      if (sent === errorAfterEvents) {
        await this.#write(errorEvent);
        break;
      }
      if (chunkDelayMs > 0 && sent > 0) await wait(chunkDelayMs);
      await this.#write(event);
      sent += 1;
    }
    this.#response.end();
  }

  async #writeCut(bytes: Buffer, at: number): Promise<void> {
    await this.#writeBytes(bytes.subarray(0, at));
    await new Promise((resolve) => setImmediate(resolve));
    this.#response.end(bytes.subarray(at));
  }

  async #write(event: StreamEvent): Promise<void> {
    const bytes = Buffer.from(event);
    const size = this.behaviour.bytesPerWrite || bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      // A pause of one turn keeps the parts apart on the wire.
      if (at > 0) await new Promise((resolve) => setImmediate(resolve));
      await this.#writeBytes(bytes.subarray(at, at + size));
    }
  }

  #writeBytes(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.#response.destroyed) resolve();
      else if (this.#response.write(bytes)) resolve();
      else {
        const go = () => {
          this.#response.off('drain', go).off('close', go);
          resolve();
        };
        this.#response.on('drain', go).on('close', go);
      }
    });
  }
}

/** `event: …` and `data: …` as server-sent events; the name is left out by providers that do not use it. */
export function sse(data: unknown, event?: string): StreamEvent {
  const payload = typeof data === 'string' ? data : JSON.stringify(data);
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${payload}\n\n`;
}
