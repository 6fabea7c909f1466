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
    this.#server.once('session', (session: ServerHttp2Session) => {
      this.#connections.set(session, connection);
      session.setTimeout(IDLE_MS, () => session.close());
    });
    // Answered within this call with the session for it.
    this.#server.emit('connection', socket);
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
  // A body that breaks off would otherwise look like one that ended.
  request.once('aborted', () => request.destroy(new Error('the client broke the request off')));
  request.on('error', () => {});
  // The compatibility API has every member of IncomingMessage that is used in this program, with the same meaning.
  return request as unknown as IncomingMessage;
}

function asHttp1Response(response: Http2ServerResponse): ServerResponse {
  // Without a code, an answer that is cut off would look complete.
  const cutOff = (): void => response.stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
  Object.defineProperty(response, 'destroy', { value: cutOff });
  response.on('error', () => {});
  // As above, for ServerResponse.
  return response as unknown as ServerResponse;
}
