import { once } from 'node:events';
import { pipeline, Readable } from 'node:stream';
import { type ByteTransform, EventTooLongError, openTail } from '@raypher/dlp';
import type { Dispatcher } from 'undici';
import { CutByPerson, type OpenConnection, PREVIEW_LENGTH } from '../connections/live-connections.ts';
import type { Route } from '../egress/reach.ts';
import { type AnswerFormat, answerFormat, isStream } from './answer-format.ts';
import { AnswerReader } from './answer-reader.ts';
import { contentDecoders } from './content-coding.ts';
import { eachPiece } from './each-piece.ts';
import type { EchoMask } from './echo-mask.ts';
import { eitherOf } from './either-of.ts';
import type { Exchange } from './exchange.ts';
import { responseHeaders } from './headers.ts';
import { AnswerBlocked, type AnswerInspector } from './inspect-answer.ts';
import { maskedText } from './inspect-outgoing.ts';
import { maskAnswer } from './mask-answer.ts';
import type { Outgoing } from './outgoing-request.ts';
import type { ProxyContext } from './proxy-context.ts';
import { refusalEvent, refuse } from './refusal.ts';
import { replay } from './request-body.ts';
import { writeTogether } from './write-together.ts';

/** What is known when it is over. */
export interface Outcome {
  readonly status: number;
  readonly bytesReceived: number;
  /** Where it is not the length of the body: messages of a WebSocket. */
  readonly bytesSent?: number;
  readonly streamed: boolean;
  /** Why the answer ended before its end; undefined when it did not. */
  readonly brokenOff?: 'client' | 'person' | 'data' | 'upstream';
  /** Undefined when there was no answer, or nobody is charged for any. */
  readonly reader?: AnswerReader | undefined;
}

/** The client hung up before the answer was complete (nginx's number; it is never sent). */
const CLIENT_GONE = 499;
/** Between two looks at what a stream has cost so far. */
const COST_EVERY_MS = 500;

export interface Relayed {
  readonly exchange: Exchange;
  readonly route: Route;
  readonly outgoing: Outgoing;
  /** Of what was put into the request. */
  readonly mask: EchoMask | undefined;
  readonly body: Buffer | AsyncIterable<Buffer> | undefined;
  readonly inspector: AnswerInspector;
  readonly connection: OpenConnection;
}

/** Sends a request on and brings the answer back as it comes. Answers the client in every case. */
export async function relay(context: ProxyContext, relayed: Relayed): Promise<Outcome> {
  const { exchange, route, outgoing, mask, body, connection, inspector } = relayed;
  const { response, destination, gone } = exchange;
  const { dialect } = destination;
  const signal = eitherOf(gone, connection.cut);
  const state = { status: 0, bytesReceived: 0, format: 'opaque' as AnswerFormat };
  let reader: AnswerReader | undefined;
  let unread: Readable | undefined;
  const over = (brokenOff?: Outcome['brokenOff'], status = state.status): Outcome => ({
    status,
    bytesReceived: state.bytesReceived,
    streamed: isStream(state.format),
    ...(brokenOff === undefined ? {} : { brokenOff }),
    reader,
  });
  try {
    signal.throwIfAborted();
    // From here on a provider may be at work, and charge for it, whether anybody waits for the answer or not.
    if (destination.provider !== undefined) reader = new AnswerReader(exchange, 'opaque');
    const received = await context.upstreams.request(route, {
      ...outgoing,
      // Node's parser only lets through methods it knows; undici accepts the same ones.
      method: exchange.method as Dispatcher.HttpMethod,
      body: body === undefined || Buffer.isBuffer(body) ? (body ?? null) : Readable.from(body),
      signal,
    });
    const answer = maskAnswer(received, mask, exchange.method);
    state.status = answer.statusCode;
    unread = answer.body;
    const contentType = String(answer.headers['content-type'] ?? '');
    state.format = answerFormat(contentType, destination.path);
    // Whoever fails charges nothing.
    reader =
      answer.statusCode < 400 && destination.provider !== undefined
        ? new AnswerReader(exchange, state.format)
        : undefined;
    const headers = responseHeaders(answer.headers);
    const isRead = destination.provider !== undefined || !inspector.isIdle;
    if (!isRead || state.format === 'opaque' || exchange.method === 'HEAD') {
      response.writeHead(answer.statusCode, headers);
      await copy(answer.body, context, relayed, state, { signal });
      return over();
    }
    const coding = answer.headers['content-encoding'];
    const decoders = contentDecoders(coding === undefined ? undefined : String(coding));
    if (decoders === undefined) inspector.unreadable('its content coding is not known');
    const source = (decoders ?? []).reduce<Readable>(
      (from, decoder) => pipeline(from, decoder, () => {}),
      answer.body,
    );
    if (decoders !== undefined && decoders.length > 0) {
      delete headers['content-encoding'];
      delete headers['content-length'];
    }
    if (state.format === 'whole' && !inspector.isIdle && decoders !== undefined) {
      const length = Number(answer.headers['content-length']);
      const isShort = source === received.body && length <= context.bodyLimitBytes;
      // All of it came with its head, as most short ones do.
      const there: Buffer | null = isShort && source.readableLength === length ? source.read() : null;
      const collected = isShort
        ? { whole: there ?? (await gather(source)) }
        : await collect(source, context.bodyLimitBytes);
      if ('whole' in collected) {
        state.bytesReceived = collected.whole.length;
        const sent = inspector.whole(collected.whole, contentType);
        response.writeHead(answer.statusCode, { ...headers, 'content-length': sent.length });
        response.end(sent);
        reader?.push(sent);
        reader?.end();
        showAnswer(context, relayed, state.bytesReceived, reader);
        return over();
      }
      inspector.unreadable('it is too large to be looked through');
      response.writeHead(answer.statusCode, headers);
      await copy(Readable.from(collected.stream), context, relayed, state, { signal, reader });
      return over();
    }
    const { format } = state;
    const isStreamed = format !== 'whole' && decoders !== undefined && !inspector.isIdle;
    const transform = isStreamed ? inspector.stream(format) : undefined;
    if (transform !== undefined) delete headers['content-length'];
    response.writeHead(answer.statusCode, headers);
    await copy(source, context, relayed, state, { signal, reader, transform });
    return over();
  } catch (error) {
    // Who is read no further would wait, and keep the connection, for ever.
    unread?.on('error', () => {}).destroy();
    if (gone.aborted) return over('client', CLIENT_GONE);
    if (connection.cut.reason instanceof CutByPerson) {
      const status = endBroken(exchange, state.format, 'denied', 'This call was ended by an administrator.');
      return over('person', status);
    }
    if (error instanceof AnswerBlocked || error instanceof EventTooLongError) {
      const why = `The answer was stopped: ${error.message}`;
      return over('data', endBroken(exchange, state.format, 'data-blocked', why));
    }
    // No answer at all: nothing was charged that anybody knows of.
    if (state.status === 0) reader = undefined;
    const message = `${destination.host} cannot be reached: ${whyOf(error)}.`;
    // Cut off in the middle, the client must see a broken answer and not a short one.
    return over('upstream', refuse(response, dialect, 'unreachable', message));
  }
}

interface Passing {
  readonly signal: AbortSignal;
  readonly reader?: AnswerReader | undefined;
  readonly transform?: ByteTransform | undefined;
}

/** Sends all of it on as it comes, what comes in one turn at once, and ends the answer. */
async function copy(
  source: Readable,
  context: ProxyContext,
  relayed: Relayed,
  state: { bytesReceived: number },
  { signal, reader, transform }: Passing,
): Promise<void> {
  const { response } = relayed.exchange;
  const together = writeTogether(response);
  let shownAt = 0;
  let isOver = false;
  const show = (): void => {
    if (!isOver) showAnswer(context, relayed, state.bytesReceived, reader);
  };
  // A stream's first byte may be minutes away; the client wants to know now that it was accepted.
  together();
  response.flushHeaders();
  await eachPiece(source, (chunk) => {
    state.bytesReceived += chunk.length;
    const now = performance.now();
    if (now - shownAt >= COST_EVERY_MS) {
      shownAt = now;
      // After it was sent: nobody waits for this.
      setImmediate(show);
    }
    const bytes = transform === undefined ? chunk : transform.push(chunk);
    if (bytes.length === 0) return undefined;
    together();
    reader?.push(bytes);
    return response.write(bytes) ? undefined : once(response, 'drain', { signal });
  });
  const rest = transform?.end() ?? new Uint8Array(0);
  if (rest.length > 0) response.write(rest);
  response.end();
  isOver = true;
  if (rest.length > 0) reader?.push(rest);
  reader?.end();
  showAnswer(context, relayed, state.bytesReceived, reader);
}

/** What the live view shows of an answer so far. */
function showAnswer(
  context: ProxyContext,
  { connection: { state } }: Relayed,
  bytesReceived: number,
  reader: AnswerReader | undefined,
): void {
  state.bytesReceived = bytesReceived;
  if (reader === undefined) return;
  const { cost } = reader.cost(context.prices, undefined, 0);
  if (cost.known) {
    state.costMicros = cost.micros;
    state.costEstimated = cost.estimated;
  }
  const { text, isTextOpen } = reader;
  // Half a secret looks like none: what may become one is not shown before it is known.
  const known = isTextOpen ? text.slice(0, openTail(text, context.data.streamOptions.phrases)) : text;
  state.answered = maskedText(known, context.data.scanner.scan(known), PREVIEW_LENGTH);
}

/** All of a body whose length is known, and kept by the parser. */
async function gather(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await eachPiece(body, (bytes) => void chunks.push(bytes));
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

/** All of it, or, when it is too much to hold, the stream it was. */
async function collect(
  source: Readable,
  limitBytes: number,
): Promise<{ whole: Buffer } | { stream: AsyncIterable<Buffer> }> {
  const chunks: Buffer[] = [];
  let size = 0;
  const rest: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size > limitBytes) return { stream: replay(chunks, rest) };
  }
  return { whole: Buffer.concat(chunks) };
}

/** Tells a client that reads a stream why it ends; any other sees a broken answer. */
function endBroken(
  { response, destination }: Exchange,
  format: AnswerFormat,
  kind: 'denied' | 'data-blocked',
  message: string,
): number {
  if (!response.headersSent || format !== 'sse') {
    return refuse(response, destination.dialect, kind, `Blocked by Raypher: ${message}`);
  }
  response.end(refusalEvent(destination.dialect, kind, `Blocked by Raypher: ${message}`));
  return response.statusCode;
}

/** The reason without addresses of private gateways, which messages of the network layer contain. */
function whyOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code === 'UND_ERR_SOCKET' ? 'it closed the connection' : error.code;
  }
  return 'the connection failed';
}
