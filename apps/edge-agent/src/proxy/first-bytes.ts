import type { Socket } from 'node:net';
import { type ClientHello, readHello } from './client-hello.ts';

/** What the first bytes of a tunnel say that it carries. */
export type FirstBytes =
  | { kind: 'tls'; hello: ClientHello }
  /** A TLS handshake that somebody took pains to make unreadable. */
  | { kind: 'unreadable' }
  /** A whole request line of HTTP/1. */
  | { kind: 'http' }
  | { kind: 'other' }
  /** It ended before it could be told; these bytes are not in the socket any more. */
  | { kind: 'ended'; bytes: Buffer };

/** A hello comes in one or two pieces; each is looked at with all before it. */
const MAX_PIECES = 1000;
const MAX_REQUEST_LINE = 8 * 1024;
const REQUEST_LINE = /^[A-Z]{3,20} [\x21-\x7e]+ HTTP\/1\.[01]\r?\n/;
/** Its beginning, as far as it has come. */
const MAYBE_REQUEST_LINE = /^[A-Z]{1,20}(?: [\x20-\x7e]*\r?)?$/;

/**
 * Waits for the first bytes of a connection and tells what they are. The bytes stay in the socket, which is paused
 * afterwards: whoever reads on gets them all.
 *
 * @param head what was read already
 */
export function firstBytes(socket: Socket, head: Buffer): Promise<FirstBytes> {
  const { promise, resolve } = Promise.withResolvers<FirstBytes>();
  let bytes = head;
  let pieces = 0;
  const finish = (found: FirstBytes): void => {
    socket.off('data', more);
    socket.off('end', ended);
    socket.off('close', ended);
    socket.pause();
    if (bytes.length > 0) socket.unshift(bytes);
    resolve(found);
  };
  const more = (chunk: Buffer): void => {
    pieces += 1;
    bytes = Buffer.concat([bytes, chunk]);
    const found = kindOf(bytes, pieces > MAX_PIECES);
    if (found !== undefined) finish(found);
  };
  const ended = (): void => {
    const all = bytes;
    // Nothing can be put back into a stream that has ended.
    bytes = Buffer.alloc(0);
    finish({ kind: 'ended', bytes: all });
  };
  const found = kindOf(bytes, false);
  if (found !== undefined) finish(found);
  else if (socket.destroyed || socket.readableEnded) ended();
  else {
    socket.on('data', more);
    socket.once('end', ended);
    socket.once('close', ended);
  }
  return promise;
}

/** @returns undefined while it cannot be told, unless no more bytes will be waited for */
function kindOf(bytes: Buffer, isLast: boolean): FirstBytes | undefined {
  if (bytes.length === 0) return undefined;
  const hello = readHello(bytes);
  if (typeof hello === 'object') return { kind: 'tls', hello };
  if (hello === 'unreadable') return { kind: 'unreadable' };
  if (hello === 'incomplete') return isLast ? { kind: 'unreadable' } : undefined;
  const line = bytes.toString('latin1', 0, MAX_REQUEST_LINE);
  if (REQUEST_LINE.test(line)) return { kind: 'http' };
  return !isLast && bytes.length < MAX_REQUEST_LINE && MAYBE_REQUEST_LINE.test(line)
    ? undefined
    : { kind: 'other' };
}
