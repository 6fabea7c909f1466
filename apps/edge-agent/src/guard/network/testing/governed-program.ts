/**
 * Stands for an AI agent: a process that does with sockets what a test tells it, and says what came of it. Whoever
 * starts it puts it into a control group before the first word.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  connectFromDevice,
  openSocket,
  sendFastOpen,
  sendFromDevice,
  sendMany,
  sendPacket,
  sendSourceRouted,
} from '../../../native/raw-socket.test-support.ts';
import type { Deed, Outcome } from './deed.ts';

const BY_DEVICE = { stream: connectFromDevice, datagram: sendFromDevice } as const;

async function act(deed: Deed): Promise<Outcome> {
  switch (deed.kind) {
    case 'connect':
      return tcp(deed);
    case 'datagram':
      return datagram(deed);
    case 'socket':
      return native(openSocket(deed.domain, deed.type, deed.protocol));
    case 'fast open':
      return native(sendFastOpen(deed.host, deed.port, deed.data));
    case 'source route':
      return native(sendSourceRouted(deed.host, deed.port, deed.via));
    case 'many datagrams':
      return { peer: '', answer: String(sendMany(deed.host, deed.port, deed.count)) };
    case 'packet':
      return native(sendPacket(deed.host, Buffer.from(deed.packet, 'base64')));
    case 'bound to a device':
      return native(BY_DEVICE[deed.sends](deed.host, deed.port, deed.device));
  }
}

async function tcp({ host, port, data, ends, localAddress }: Deed & { kind: 'connect' }): Promise<Outcome> {
  const client = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
  client.setTimeout(5000, () => client.destroy(new Error('no answer')));
  await once(client, 'connect');
  const peer = `${client.remoteAddress} ${client.remotePort}`;
  client.setEncoding('latin1');
  if (data !== undefined) client.write(data, 'latin1');
  if (ends === true) client.end();
  let answer = '';
  for await (const chunk of client) answer += chunk;
  return { peer, answer };
}

async function datagram({
  host,
  port,
  data,
  connected,
  answers,
  stays,
  localPort,
}: Deed & { kind: 'datagram' }): Promise<Outcome> {
  const own = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  // Nobody may be there, which the kernel says later.
  own.on('error', () => {});
  try {
    if (localPort !== undefined) {
      own.bind(localPort);
      await once(own, 'listening');
    }
    if (connected) {
      own.connect(port, host);
      await once(own, 'connect');
    }
    const peer = connected ? `${own.remoteAddress().address} ${own.remoteAddress().port}` : '';
    const bytes = Buffer.from(data, 'base64');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sent = (error: Error | null): void => (error === null ? resolve() : reject(error));
    if (connected) own.send(bytes, sent);
    else own.send(bytes, port, host, sent);
    await promise;
    if (!answers) return { peer, answer: '' };
    const [message, from] = await once(own, 'message', { signal: AbortSignal.timeout(5000) });
    return { peer: connected ? peer : `${from.address} ${from.port}`, answer: message.toString('base64') };
  } finally {
    if (stays !== true) own.close();
  }
}

function native(errno: number): Outcome {
  return errno === 0 ? { peer: '', answer: '' } : { error: `errno ${errno}` };
}

process.on('message', ({ id, deed }: { id: number; deed: Deed }) => {
  act(deed)
    .catch((error: NodeJS.ErrnoException): Outcome => ({ error: error.code ?? error.message }))
    .then((outcome) => process.send?.({ id, outcome }));
});
