import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * @typedef {object} Target
 * @property {number} port - of this machine.
 * @property {string} [readyUrl] - answers 200 while new connections are welcome there.
 */

const CHECK_EVERY_MS = 500;
const CHECK_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * Spreads TCP connections over several processes of this machine, in turn. It neither reads nor changes what passes:
 * TLS is between the devices and the processes. A process that is not ready gets no new connections; one that refuses
 * a connection is skipped for it.
 *
 * @param {{ port: number, host: string, targets: Target[] }} options
 * @returns {Promise<{ port: number, close: () => Promise<void> }>}
 */
export async function startBalancer({ port, host, targets }) {
  const ready = new Set(targets);
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  let turn = 0;

  /** Ready ones in turn, then the others: being asked in vain costs less than being forgotten. */
  const inOrder = () => {
    turn = (turn + 1) % targets.length;
    const rotated = [...targets.slice(turn), ...targets.slice(0, turn)];
    return [
      ...rotated.filter((target) => ready.has(target)),
      ...rotated.filter((target) => !ready.has(target)),
    ];
  };

  const server = createServer(
    { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
    async (client) => {
      sockets.add(client);
      client.on('error', () => client.destroy());
      client.once('close', () => sockets.delete(client));
      for (const target of inOrder()) {
        const upstream = await reach(target.port);
        if (upstream === undefined) {
          ready.delete(target);
          continue;
        }
        if (client.destroyed) upstream.destroy();
        else join(client, upstream);
        return;
      }
      client.destroy();
    },
  );

  const checks = setInterval(() => {
    for (const target of targets) {
      if (target.readyUrl === undefined) continue;
      isReady(target.readyUrl).then((yes) => (yes ? ready.add(target) : ready.delete(target)));
    }
  }, CHECK_EVERY_MS);

  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      clearInterval(checks);
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/**
 * @param {import('node:net').Socket} client
 * @param {import('node:net').Socket} upstream
 */
function join(client, upstream) {
  upstream.on('error', () => client.destroy());
  upstream.once('close', () => client.destroy());
  client.once('close', () => upstream.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
}

/**
 * @param {number} port
 * @returns {Promise<import('node:net').Socket | undefined>}
 */
function reach(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const giveUp = setTimeout(() => socket.destroy(), CONNECT_TIMEOUT_MS);
    socket.once('close', () => resolve(undefined));
    socket.on('error', () => socket.destroy());
    socket.once('connect', () => {
      clearTimeout(giveUp);
      resolve(socket);
    });
  });
}

/** @param {string} url */
async function isReady(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
