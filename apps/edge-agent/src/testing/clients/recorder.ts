import { subscribe } from 'node:diagnostics_channel';
import { z } from 'zod';

/** An answer as it arrived at the client: each header line, and each byte of the body. */
export interface ReceivedAnswer {
  readonly status: number;
  readonly headers: [name: string, value: string][];
  /** Base64. */
  readonly body: string;
}

const Head = z.object({
  request: z.custom<object>(),
  response: z.object({ statusCode: z.number(), headers: z.array(z.instanceof(Uint8Array)) }),
});
const Chunk = z.object({ request: z.custom<object>(), chunk: z.instanceof(Uint8Array) });

/** Watches what this process's `fetch` receives, below every client and without touching what they get. */
export class Recorder {
  #order: { status: number; headers: [string, string][]; chunks: Uint8Array[] }[] = [];
  readonly #byRequest = new WeakMap<object, Uint8Array[]>();

  constructor() {
    subscribe('undici:request:headers', (message) => {
      const { request, response } = Head.parse(message);
      const lines = response.headers.map((line) => Buffer.from(line).toString('latin1'));
      const headers = lines.flatMap((name, at): [string, string][] =>
        at % 2 === 0 ? [[name.toLowerCase(), lines[at + 1] ?? '']] : [],
      );
      const chunks: Uint8Array[] = [];
      this.#byRequest.set(request, chunks);
      this.#order.push({ status: response.statusCode, headers, chunks });
    });
    subscribe('undici:request:bodyChunkReceived', (message) => {
      const { request, chunk } = Chunk.parse(message);
      // A copy: the parser uses its buffer again.
      this.#byRequest.get(request)?.push(Uint8Array.from(chunk));
    });
  }

  /** Since the last time. */
  take(): ReceivedAnswer[] {
    const answers = this.#order.map(({ chunks, ...head }) => ({
      ...head,
      body: Buffer.concat(chunks).toString('base64'),
    }));
    this.#order = [];
    return answers;
  }
}
