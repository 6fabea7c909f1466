import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { CANARY_HOST } from '../../proxy/canary-host.ts';

/** Addresses and ports at which nobody is (RFC 5737). */
export const CANARY_ADDRESS = '192.0.2.1';
export const CANARY_PORT = 9;
const DATAGRAM_PORT = 443;
const DNS_PORT = 53;
const TIMEOUT_MS = 2000;

/** The word that starts it, for whoever starts the agent. */
export const CANARY_COMMAND = 'guard-canary';

/** What a process below the product's control group found when it tried what is not permitted. */
export interface CanaryReport {
  /** Of a connection to an address where nobody is: the peer that it has, or why it has none. */
  readonly connection: string;
  /** Of a datagram past the proxy: the error, "sent" without one. */
  readonly datagram: string;
  /** Code of the answer to a question for a forbidden name, or why there is none. */
  readonly name: string;
}

/**
 * Started by the service in a control group of its own, where it tries what no AI agent may. It loads next to nothing,
 * and begins when its input ends: before, it may not be where it is to try.
 */
export async function runCanary(): Promise<void> {
  await text(process.stdin);
  process.stdout.write(`${JSON.stringify(await tryTheNetwork())}\n`);
}

async function tryTheNetwork(): Promise<CanaryReport> {
  const [connection, datagram, name] = await Promise.all([
    tryConnection().catch(codeOf),
    tryDatagram().catch(codeOf),
    tryName().catch(codeOf),
  ]);
  return { connection, datagram, name };
}

async function tryConnection(): Promise<string> {
  const socket = connect({ host: CANARY_ADDRESS, port: CANARY_PORT });
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    await once(socket, 'connect', { signal });
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    // The agent ends it when it has seen whose it is, which may be asked of whoever holds it.
    await once(socket.resume(), 'end', { signal });
    return peer;
  } finally {
    socket.destroy();
  }
}

async function tryDatagram(): Promise<string> {
  const socket = createSocket('udp4');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.send('canary', DATAGRAM_PORT, CANARY_ADDRESS, (error) =>
    error === null ? resolve('sent') : reject(error),
  );
  return promise.finally(() => socket.close());
}

async function tryName(): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const labels = CANARY_HOST.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
    // Id 1, recursion desired, one question: the address of the name.
    const question = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
    socket.send(question, DNS_PORT, CANARY_ADDRESS);
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return String(answer.readUInt8(3) & 15);
  } finally {
    socket.close();
  }
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}
