import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Stage } from '../response/spawned.test-support.ts';
import { CallerFinder, findCaller } from './caller.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

describe.each([
  ['IPv4', '127.0.0.1', '127.0.0.1'],
  ['IPv6', '::1', '::1'],
  ['IPv4 through a socket of IPv6', '::', '127.0.0.1'],
])('a caller over %s', (_, listen, connect) => {
  it('is found by its connection, and a stranger’s addresses find nobody', async () => {
    const server = createServer().listen(0, listen);
    await once(server, 'listening');
    // The address of a listening TCP server is an AddressInfo.
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'connection');
    const client = await stage.start(process.execPath, [
      '-e',
      `const s = require('net').connect(${port}, '${connect}', () => console.log('ready'))`,
    ]);
    const [socket]: Socket[] = await accepted;
    if (socket?.localPort === undefined || socket.remotePort === undefined) throw new Error('not connected');
    const { localPort, remotePort, localAddress, remoteAddress } = socket;
    const expected = { pid: client.pid, startTime: client.startTime };

    expect(findCaller({ localPort, remotePort })).toEqual(expected);
    const finder = new CallerFinder(() => [process.pid]);
    for (const _round of [1, 2]) {
      expect(finder.find({ localPort, remotePort, localAddress, remoteAddress })).toEqual(expected);
    }
    expect(findCaller({ localPort, remotePort, localAddress, remoteAddress: '127.0.0.9' })).toBeUndefined();
    expect(findCaller({ localPort: localPort ^ 1, remotePort })).toBeUndefined();

    const closed = once(socket, 'close');
    client.child.kill('SIGKILL');
    socket.on('error', () => undefined).resume();
    await closed;
    expect(finder.find({ localPort, remotePort })).toBeUndefined();
    server.close();
  });
});
