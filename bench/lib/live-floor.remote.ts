import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { serveRemote } from './remote.ts';

export type LiveFloorMethods = {
  /** A socket.io server that passes on what it hears on a Redis channel. @returns its port */
  start(options: { redisUrl: string; channel: string }): Promise<number>;
};

const methods: LiveFloorMethods = {
  async start({ redisUrl, channel }) {
    const http = createServer();
    const server = new Server(http, { serveClient: false, perMessageDeflate: false });
    const subscriber = new Redis(redisUrl);
    subscriber.on('message', (_channel, text) => server.emit('events', JSON.parse(text)));
    await subscriber.subscribe(channel);
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    // It listens on TCP, so its address is an AddressInfo.
    return (http.address() as AddressInfo).port;
  },
};

serveRemote(methods);
