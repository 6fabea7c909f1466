import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { CANARY_HOST } from '../proxy/canary-host.ts';

const TIMEOUT_MS = 3000;

/**
 * Makes a TLS request for something forbidden through the running proxy, as a client that trusts nobody but this
 * machine's root, and reads the denial back.
 *
 * @param root PEM
 * @returns undefined when it was denied, else what happened instead
 */
export async function probeInterception(
  port: number,
  path: string,
  root: string,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let tunnel: Socket | undefined;
  try {
    const asking = request({
      host: '127.0.0.1',
      port,
      method: 'CONNECT',
      path: `${CANARY_HOST}:443`,
      headers: { host: `${CANARY_HOST}:443` },
      agent: false,
      signal,
    });
    asking.end();
    const [answer, socket]: [IncomingMessage, Socket] = await connected(asking, signal);
    tunnel = socket;
    if (answer.statusCode !== 200) return `the proxy answered ${answer.statusCode} to a tunnel`;
    const secure = tlsConnect({ socket, servername: CANARY_HOST, ca: root });
    await once(secure, 'secureConnect', { signal });
    const inside = request({
      createConnection: () => secure,
      host: CANARY_HOST,
      path,
      headers: { host: CANARY_HOST, connection: 'close' },
      signal,
    });
    inside.end();
    const [denial]: IncomingMessage[] = await once(inside, 'response', { signal });
    denial?.resume();
    const denied = denial?.statusCode === 403 && denial.headers['x-raypher'] === 'denied';
    return denied ? undefined : `a forbidden request in a tunnel was answered with ${denial?.statusCode}`;
  } catch (error) {
    return `no connection that shows our certificate: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    tunnel?.destroy();
  }
}

function connected(
  asking: ReturnType<typeof request>,
  signal: AbortSignal,
): Promise<[IncomingMessage, Socket]> {
  const { promise, resolve, reject } = Promise.withResolvers<[IncomingMessage, Socket]>();
  // node:http hands over the net.Socket it opened; its type leaves other transports open.
  asking.once('connect', (answer, socket) => resolve([answer, socket as Socket]));
  asking.once('error', reject);
  signal.addEventListener('abort', () => reject(signal.reason));
  return promise;
}
