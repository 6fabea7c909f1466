import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  constants,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { InterceptedConnection } from './intercepted-connection.ts';

const MIB = 1024 * 1024;
const MAX_STREAMS = 128;
/** As much as HTTP/1 clients may send. */
const MAX_HEADER_BYTES = 32 * 1024;
/** Megabytes; a session that holds more gets no new streams. The default, 10, is less than our windows allow. */
const SESSION_MEMORY_MB = 32;
const IDLE_MS = 15 * 60_000;

/** One stream, in the shape of an HTTP/1 request and its response. */
export interface Http2Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  connection: InterceptedConnection;
  /** Ends the connection once what is under way is done. */
  goAway: () => void;
}

/** Serves HTTP/2 on connections that were made elsewhere. */
export class Http2Front {
  readonly #server: Http2Server;
  readonly #connections = new WeakMap<object, InterceptedConnection>();

  constructor(answer: (exchange: Http2Exchange) => void) {
    this.#server = createServer({
      maxHeaderListPairs: 200,
      // An answer goes on as it came, also with two lines of what should be one.
      strictSingleValueFields: false,
      maxSessionMemory: SESSION_MEMORY_MB,
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: MAX_HEADER_BYTES,
        // The default of 64 kB makes every upload wait for a round trip each time.
        initialWindowSize: MIB,
        enablePush: false,
      },
    });
    this.#server.on('session', (session) => session.setLocalWindowSize(8 * MIB));
    this.#server.on('sessionError', () => {});
    this.#server.on('request', (request, response) => {
      const { session } = request.stream;
      const connection = session === undefined ? undefined : this.#connections.get(session);
      if (session === undefined || connection === undefined) {
        request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
        return;
      }
      answer({
        request: asHttp1Request(request),
        response: asHttp1Response(response),
        connection,
        goAway: () => session.close(),
      });
    });
  }

  serve(socket: TLSSocket, connection: InterceptedConnection): void {
    const bind = (session: ServerHttp2Session): void => {
      this.#connections.set(session, connection);
      session.setTimeout(IDLE_MS, () => session.close());
    };
    // Answered within this call, with the session for it; of a socket that is gone already, with none.
    this.#server.once('session', bind);
    this.#server.emit('connection', socket);
    this.#server.off('session', bind);
  }
}

/**
 * What differs for those who read requests: no pseudo headers (RFC 9113 §8.3), a Host, and a body whose length is not
 * said is one that HTTP/1 would send in chunks.
 */
function asHttp1Request(request: Http2ServerRequest): IncomingMessage {
  const { headers, rawHeaders, stream } = request;
  const plain: Record<string, string | string[] | undefined> = {};
  for (const [name, value] of Object.entries(headers)) if (!name.startsWith(':')) plain[name] = value;
  plain.host ??= headers[':authority'];
  const authority = headers[':authority'];
  // Both, and not the same: nobody knows which one counts. Written so that no host is that.
  if (authority !== undefined && plain.host !== authority) plain.host = `${authority} ${plain.host}`;
  if (!stream.endAfterHeaders && plain['content-length'] === undefined)
    plain['transfer-encoding'] = 'chunked';
  const rawPlain: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!name.startsWith(':')) rawPlain.push(name, value);
  }
  Object.defineProperties(request, { headers: { value: plain }, rawHeaders: { value: rawPlain } });
  failWhenBrokenOff(request);
  // The compatibility API has every member of IncomingMessage that is used in this program, with the same meaning.
  return request as unknown as IncomingMessage;
}

/** A body that breaks off ends for the compatibility API as one that is complete. */
function failWhenBrokenOff(request: Http2ServerRequest): void {
  const { stream } = request;
  const push = request.push.bind(request);
  let isWhole = false;
  Object.defineProperty(request, 'push', {
    value: (chunk: Buffer | null): boolean => {
      // The end of a whole body comes while the stream is open; its closing brings a second one.
      if (chunk === null && stream.closed && !isWhole) {
        request.destroy(new Error('the client broke the request off'));
        return false;
      }
      isWhole ||= chunk === null;
      return push(chunk);
    },
  });
  request.on('error', () => {});
}

function asHttp1Response(response: Http2ServerResponse): ServerResponse {
  const { stream } = response;
  // Without a code, an answer that is cut off would look complete.
  const cutOff = (): void => stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  // A stream that the client resets ends its writing side too, which is not to have finished.
  const isFinished = (): boolean => response.writableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR;
  Object.defineProperties(response, { destroy: { value: cutOff }, writableFinished: { get: isFinished } });
  response.on('error', () => {});
  // As above, for ServerResponse.
  return response as unknown as ServerResponse;
}
