import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type Verdict, withoutAnswer } from '@raypher/policy';
import type { Dispatcher } from 'undici';
import { callerMessage, callerRefusal, callerRefused } from './allowed-callers.ts';
import type { Caller } from './caller.ts';
import { type Credential, credentialFor, credentialLabel } from './credentials.ts';
import { type Destination, destinationOf } from './destination.ts';
import { framingFault, responseHeaders } from './headers.ts';
import type { ModelName } from './model-name.ts';
import { credentialRefused, denialMessage, networkEvent } from './network-event.ts';
import { type Outgoing, outgoingRequest } from './outgoing-request.ts';
import { leadsBack, type ProxyContext } from './proxy-context.ts';
import type { Reached } from './reached.ts';
import { refuse } from './refusal.ts';
import { readRequestBody } from './request-body.ts';
import { isFromForeignPage } from './web-page.ts';

/** Sent on, answered, or broken off: what is known when it is over. */
interface Outcome {
  status: number;
  bytesReceived: number;
  streamed: boolean;
}

/** The client hung up before the answer was complete (nginx's number; it is never sent). */
const CLIENT_GONE = 499;
const STREAMING_TYPES = /^(text\/event-stream|application\/(x-ndjson|jsonl|json-seq))/i;

/**
 * Carries one request through: who is it, what for, may it; then on to the upstream and back as it comes.
 * Leaves one event, whatever happens.
 *
 * @param reached for a request inside an intercepted tunnel
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  context: ProxyContext,
  reached?: Reached,
): Promise<void> {
  const startedAt = performance.now();
  const fault = framingFault(request);
  if (fault !== undefined) {
    // The connection is not safe to go on with: where the next request starts is in doubt.
    response.shouldKeepAlive = false;
    refuse(response, 'generic', 'bad-request', `The request has ${fault}.`);
    return;
  }
  const destination = reached?.destination ?? destinationOf(request);
  if (destination === undefined) {
    refuse(response, 'generic', 'not-found', 'Raypher does not know a provider for this path.');
    return;
  }
  // With an absolute URL the proxy is one that somebody configured, and Host and Origin are the site's.
  if (reached === undefined && request.url?.startsWith('/') === true && isFromForeignPage(request)) {
    refuse(response, 'generic', 'bad-request', 'Web pages of other sites may not use this address.');
    return;
  }
  const { host, port } = destination;
  if (leadsBack(context, host, port) || context.upstreams.isOther(reached?.client ?? request.socket)) {
    refuse(response, destination.dialect, 'bad-request', 'This address leads back into the proxy.');
    return;
  }
  const caller = reached?.caller ?? (await context.identify(request.socket));
  const { body, models } = await readRequestBody(request, destination, context.bodyLimitBytes);
  const { verdict, model } = decideForModels(context, destination, request.method ?? 'GET', caller, models);
  const denied = withoutAnswer(verdict.effective) === 'DENY';
  const refused = denied ? undefined : await callerRefusal(context, caller);
  if (refused !== undefined) {
    refuse(response, destination.dialect, 'not-allowed', callerMessage(refused));
    context.record(callerRefused(refused, caller, { host, port, method: request.method ?? 'GET' }, verdict));
    return;
  }

  const counted = countBytes(body);
  let outcome: Outcome;
  let credential: Credential | undefined;
  if (denied) {
    const status = refuse(response, destination.dialect, 'denied', denialMessage(verdict));
    outcome = { status, bytesReceived: 0, streamed: false };
  } else {
    const origin = context.upstreams.origin(destination.protocol, host, port);
    credential = await credentialFor(request, destination, origin, caller, context);
    const outgoing = await outgoingRequest(request, destination, origin, credential, context.keys);
    if ('refusal' in outgoing) {
      const { refusal } = outgoing;
      const { path, provider, dialect } = destination;
      const status = refuse(response, dialect, refusal.kind, `Blocked by Raypher: ${refusal.message}`);
      const { revision } = verdict;
      context.record(
        credentialRefused({ host, path, provider: provider?.id, caller, status, refusal, revision }),
      );
      return;
    }
    if (caller.process !== undefined && typeof model === 'string') context.modelSeen(caller.process, model);
    outcome = await relay(request, response, context, destination, outgoing, counted.body);
  }
  if (destination.path === context.canaryPath && denied) return;
  context.record(
    networkEvent({
      type: 'network.request',
      host: destination.host,
      port: destination.port,
      method: request.method ?? 'GET',
      path: destination.path,
      provider: destination.provider?.id,
      model,
      caller,
      credential: credential === undefined ? undefined : credentialLabel(credential),
      verdict,
      denied,
      ...outcome,
      bytesSent: denied ? 0 : counted.bytes(),
      durationMs: performance.now() - startedAt,
      inspected: true,
    }),
  );
}

/** A request may name several models; the strictest verdict about any of them counts. */
function decideForModels(
  context: ProxyContext,
  destination: Destination,
  method: string,
  { agent }: Caller,
  models: readonly ModelName[],
): { verdict: Verdict; model: ModelName | undefined } {
  const ask = (model: ModelName | undefined) => ({
    model,
    verdict: context.decide({
      action: 'network.connect',
      host: destination.host,
      port: destination.port,
      provider: destination.provider?.id,
      model,
      method,
      path: destination.path.split(/[?#]/, 1)[0],
      agent,
    }),
  });
  const [first = ask(undefined), ...others] = models.map(ask);
  return others.reduce(
    (worst, next) => (severity(next.verdict) > severity(worst.verdict) ? next : worst),
    first,
  );
}

function severity(verdict: Verdict): number {
  return (withoutAnswer(verdict.effective) === 'DENY' ? 2 : 0) + (verdict.outcome === 'DENY' ? 1 : 0);
}

async function relay(
  request: IncomingMessage,
  response: ServerResponse,
  context: ProxyContext,
  { host, dialect }: Destination,
  { origin, path, headers }: Outgoing,
  body: Buffer | AsyncIterable<Buffer> | undefined,
): Promise<Outcome> {
  const hangUp = new AbortController();
  const { socket } = request;
  // Of the socket, because an answer that waits behind another one is not told that the client is gone.
  const gone = (): void => hangUp.abort();
  socket.once('close', gone);
  let bytesReceived = 0;
  let streamed = false;
  try {
    // It may have hung up while it was being identified; that must not keep the call out of the record.
    if (socket.destroyed) hangUp.abort();
    hangUp.signal.throwIfAborted();
    const answer = await context.upstreams.dispatcher.request({
      origin,
      path,
      // Node's parser only lets through methods it knows; undici accepts the same ones.
      method: (request.method ?? 'GET') as Dispatcher.HttpMethod,
      headers,
      body: body === undefined || Buffer.isBuffer(body) ? (body ?? null) : Readable.from(body),
      signal: hangUp.signal,
    });
    streamed = STREAMING_TYPES.test(String(answer.headers['content-type'] ?? ''));
    response.writeHead(answer.statusCode, responseHeaders(answer.headers));
    // A stream's first byte may be minutes away; the client wants to know now that it was accepted.
    response.flushHeaders();
    for await (const chunk of answer.body) {
      bytesReceived += chunk.length;
      if (!response.write(chunk)) await once(response, 'drain', { signal: hangUp.signal });
    }
    response.end();
    return { status: answer.statusCode, bytesReceived, streamed };
  } catch (error) {
    if (hangUp.signal.aborted) return { status: CLIENT_GONE, bytesReceived, streamed };
    // Cut off in the middle, the client must see a broken answer and not a short one.
    const status = refuse(response, dialect, 'unreachable', `${host} cannot be reached: ${whyOf(error)}.`);
    return { status, bytesReceived, streamed };
  } finally {
    socket.off('close', gone);
  }
}

function countBytes(body: Buffer | AsyncIterable<Buffer> | undefined): {
  body: Buffer | AsyncIterable<Buffer> | undefined;
  bytes: () => number;
} {
  if (body === undefined) return { body, bytes: () => 0 };
  if (Buffer.isBuffer(body)) return { body, bytes: () => body.length };
  let size = 0;
  async function* passing(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      size += chunk.length;
      yield chunk;
    }
  }
  return { body: passing(body), bytes: () => size };
}

/** The reason without addresses of private gateways, which messages of the network layer contain. */
function whyOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return 'the connection failed';
}
