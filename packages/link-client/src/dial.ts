import { request } from 'node:http';
import { isIP, connect as netConnect, type Socket } from 'node:net';
import { checkServerIdentity, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { LinkTarget } from './line.ts';

/** From dialling to the end of the TLS handshake. Milliseconds. */
const DIAL_WITHIN_MS = 15_000;

/**
 * A TLS connection that speaks HTTP/1.1, through the proxy when there is one.
 *
 * @throws Error of which the text says how far it came; see `kindOf`
 */
export async function dial(target: LinkTarget, signal: AbortSignal): Promise<TLSSocket> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_WITHIN_MS)]);
  const tunnel =
    target.proxy === undefined
      ? await reach(target, limit)
      : await tunnelThrough(target.proxy, target, limit);
  const { host, tls } = target;
  const socket = tlsConnect({
    ...tls,
    socket: tunnel,
    ALPNProtocols: ['http/1.1'],
    // TLS server names are never addresses (RFC 6066 §3); the check is against the address all the same.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  });
  await until(socket, 'secureConnect', limit);
  socket.setNoDelay(true);
  return socket;
}

async function reach({ host, port }: LinkTarget, limit: AbortSignal): Promise<Socket> {
  const socket = netConnect({ host, port });
  await until(socket, 'connect', limit);
  return socket;
}

/**
 * A tunnel of an HTTP proxy (`CONNECT`, RFC 9110 §9.3.6).
 *
 * @throws Error that names the proxy and its answer
 */
export function tunnelThrough(
  proxy: URL,
  { host, port }: Pick<LinkTarget, 'host' | 'port'>,
  limit: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const asked = request({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || 80,
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...proxyAuthorization(proxy) },
    agent: false,
    signal: limit,
  });
  asked.once('connect', ({ statusCode }, socket, head) => {
    if (statusCode === 200) {
      if (head.length > 0) socket.unshift(head);
      // An HTTP request over TCP has a TCP socket.
      resolve(socket as Socket);
      return;
    }
    socket.destroy();
    reject(new Error(`the proxy ${proxy.host} answered ${statusCode}`));
  });
  asked.once('response', ({ statusCode }) => {
    asked.destroy();
    reject(new Error(`the proxy ${proxy.host} answered ${statusCode}`));
  });
  asked.once('error', (error) =>
    reject(new Error(`the proxy ${proxy.host} cannot be reached: ${describe(error, limit)}`)),
  );
  asked.end();
  return promise;
}

function proxyAuthorization({ username, password }: URL): { 'proxy-authorization'?: string } {
  const pair = proxyCredentials({ username, password });
  return pair === undefined ? {} : { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** `user:password`, when the address of the proxy has them. */
export function proxyCredentials({
  username,
  password,
}: Pick<URL, 'username' | 'password'>): string | undefined {
  return username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
}

function until(socket: Socket, event: 'connect' | 'secureConnect', limit: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => socket.destroy(new Error('aborted'));
  const fail = (error: Error) => reject(new Error(describe(error, limit)));
  limit.addEventListener('abort', abort, { once: true });
  socket.once(event, () => {
    socket.off('error', fail);
    resolve();
  });
  // What happens to it before it is handed on is told here; later there is nobody here to tell.
  socket.on('error', fail);
  socket.once('close', () => reject(new Error('the connection was dropped')));
  if (limit.aborted) abort();
  return promise.finally(() => limit.removeEventListener('abort', abort));
}

function describe(error: Error, limit: AbortSignal): string {
  if (limit.aborted) return 'there is no answer to the connection';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
