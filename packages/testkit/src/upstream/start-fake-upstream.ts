import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { type Behaviour, GOOD_BEHAVIOUR } from './behaviour.ts';
import { Exchange, type Outcome, type RecordedRequest } from './exchange.ts';
import { answer } from './routes.ts';

export interface FakeUpstreamOptions extends Partial<Behaviour> {
  /** A free one when left out. */
  port?: number;
  /** Speak TLS with this certificate (PEM). */
  tls?: { key: string; cert: string };
}

export interface FakeUpstream {
  /** `http://127.0.0.1:PORT` (or `https:`), without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Every request that arrived, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Changes the behaviour for the requests that follow. */
  behave(changes: Partial<Behaviour>): void;
  /** Well-behaved again, and nothing recorded. */
  reset(): void;
  /** Resolves with the first request from now on that matches, once it arrived completely. */
  nextRequest(matches?: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  stop(): Promise<void>;
}

/**
 * Starts a server on 127.0.0.1 that speaks the APIs of OpenAI (and those who copy it), Anthropic, Gemini and Ollama as
 * the official clients expect them. It answers from the request alone: see {@link replyTo}. The model `no-such-model` does
 * not exist.
 *
 * @example
 * const upstream = await startFakeUpstream({ chunkDelayMs: 5 });
 * const client = new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: 'any' });
 */
export async function startFakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const { port: wantedPort, tls, ...changes } = options;
  const atFirst: Behaviour = { ...GOOD_BEHAVIOUR, ...changes };
  let behaviour = atFirst;
  let count = 0;
  const requests: RecordedRequest[] = [];
  const waiting = new Set<(request: RecordedRequest) => void>();

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const request = await record(incoming, response);
    requests.push(request);
    count += 1;
    const exchange = new Exchange(request, response, behaviour, count);
    for (const notify of waiting) notify(request);
    if (behaviour.delayMs > 0) await wait(behaviour.delayMs);
    await answer(exchange);
  };
  const listener: RequestListener = (incoming, response) => {
    // Only a client that hangs up while sending gets here: there is nobody to answer any more.
    handle(incoming, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: wantedPort ?? 0 }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The fake upstream has no port.');

  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    behave: (next) => {
      behaviour = { ...behaviour, ...next };
    },
    reset: () => {
      behaviour = atFirst;
      requests.length = 0;
      count = 0;
    },
    nextRequest: (matches = () => true) =>
      new Promise((resolve) => {
        const notify = (request: RecordedRequest) => {
          if (!matches(request)) return;
          waiting.delete(notify);
          resolve(request);
        };
        waiting.add(notify);
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function record(incoming: IncomingMessage, response: ServerResponse): Promise<RecordedRequest> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  const body = Buffer.concat(parts);
  const { promise: closed, resolve: close } = Promise.withResolvers<Outcome>();
  const [path = '/', query = ''] = (incoming.url ?? '/').split('?', 2);
  const request: RecordedRequest = {
    method: incoming.method ?? 'GET',
    path,
    query,
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body,
    json: parseJson(body),
    outcome: undefined,
    closed,
  };
  response.once('close', () => {
    request.outcome ??= response.writableFinished ? 'complete' : 'abandoned';
    close(request.outcome);
  });
  return request;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
