import { connect, type Socket } from 'node:net';
import { pinnedLookup } from './pinned-lookup.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens a TCP connection to one of the addresses, trying the families in turn (RFC 8305). That it broke shows in its
 * `close`; nobody needs to listen to its `error`.
 *
 * @param host for an origin that is mapped; otherwise only a label, since nobody is asked where it is
 * @param addresses undefined: of a mapped origin
 */
export function dial(host: string, port: number, addresses: readonly string[] | undefined): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({
    host,
    port,
    allowHalfOpen: true,
    autoSelectFamily: true,
    ...(addresses === undefined ? {} : { lookup: pinnedLookup(addresses) }),
  });
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
  socket.once('connect', () => {
    socket.setTimeout(0);
    resolve(socket);
  });
  // For good: it can be reset before whoever takes it listens, and an error that nobody listens to ends the process.
  socket.on('error', reject);
  return promise;
}
