import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_LINE } from '../rpc/handle-line.ts';
import { gateOverSocket, HERE } from './gate-over-socket.test-support.ts';
import { startGateServer } from './start-gate-server.ts';

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes until the other end closes. */
async function everything(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // The other end may close while something is on its way to it; what came before is what counts.
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString();
}

async function lines(socket: Socket, count: number): Promise<string[]> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.split('\n').length > count) break;
  }
  return text.trimEnd().split('\n');
}

describe('the socket', () => {
  it('has its mode and leaves nothing else behind', async () => {
    await using setting = await gateOverSocket();
    expect((await stat(setting.ordinary.path)).mode & 0o777).toBe(0o600);
    expect((await readdir(setting.folder)).toSorted()).toEqual(['gate.sock', 'mint.sock']);
    await setting.ordinary.close();
    expect(await readdir(setting.folder)).toEqual(['mint.sock']);
  });

  it.each([0o666, 0o777, 0o604, 0o700])('is not made with mode %o', async (mode) => {
    await using setting = await gateOverSocket();
    const made = startGateServer({
      path: join(setting.folder, 'other'),
      mode,
      handler: setting.handler,
      peerCredentials: () => HERE,
      mint: false,
    });
    await expect(made).rejects.toThrow(/mode/);
  });

  it('takes no place from a living gate, from a file, or where others may write', async () => {
    await using setting = await gateOverSocket();
    const start = (path: string) =>
      startGateServer({
        path,
        mode: 0o600,
        handler: setting.handler,
        peerCredentials: () => HERE,
        mint: false,
      });
    await expect(start(setting.ordinary.path)).rejects.toThrow(/answers/);
    const file = join(setting.folder, 'file');
    await writeFile(file, 'precious');
    await expect(start(file)).rejects.toThrow(/no socket/);
    const open = join(setting.folder, 'open');
    await mkdir(open);
    await chmod(open, 0o777);
    await expect(start(join(open, 'gate.sock'))).rejects.toThrow(/Others may write/);
    await expect(start(join(setting.folder, 'x'.repeat(120)))).rejects.toThrow(/too long/);
  });

  it('replaces what a gate that was killed left behind', async () => {
    await using setting = await gateOverSocket();
    const path = join(setting.folder, 'stale.sock');
    const script = "require('node:net').createServer().listen(process.argv[1], () => console.log('up'))";
    const child = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await stat(path)).isSocket()).toBe(true);
    const server = await startGateServer({
      path,
      mode: 0o600,
      handler: setting.handler,
      peerCredentials: () => HERE,
      mint: false,
    });
    const socket = await open(path);
    socket.write(PING);
    expect(await lines(socket, 1)).toHaveLength(1);
    await server.close();
  });

  it('is closed to whom the operating system does not name', async () => {
    const nobody = [
      () => undefined,
      () => {
        throw new Error('getsockopt: ENOTCONN');
      },
    ];
    for (const peerCredentials of nobody) {
      await using setting = await gateOverSocket({ peerCredentials });
      const socket = connect(setting.ordinary.path);
      socket.write(PING);
      expect(await everything(socket)).toBe('');
    }
  });

  it('answers lines however they are cut', async () => {
    await using setting = await gateOverSocket();
    const socket = await open(setting.ordinary.path);
    const text = `${PING.repeat(3)}${JSON.stringify({ jsonrpc: '2.0', id: 'é😀', method: 'ping' })}\r\n`;
    socket.setNoDelay();
    for (const byte of Buffer.from(text)) socket.write(Buffer.of(byte));
    const answers = (await lines(socket, 4)).map((line) => JSON.parse(line));
    expect(answers.map(({ id }) => id)).toEqual([1, 1, 1, 'é😀']);
    socket.destroy();
  });

  it('does not mend bytes that are not UTF-8', async () => {
    await using setting = await gateOverSocket();
    const socket = await open(setting.ordinary.path);
    socket.write(
      Buffer.concat([
        Buffer.from('{"jsonrpc":"2.0","id":"'),
        Buffer.of(0xff),
        Buffer.from('","method":"ping"}\n'),
      ]),
    );
    expect(JSON.parse((await lines(socket, 1))[0] ?? '')).toMatchObject({
      id: null,
      error: { code: -32700 },
    });
    socket.destroy();
  });

  it('closes a connection whose line does not end', async () => {
    await using setting = await gateOverSocket();
    const socket = await open(setting.ordinary.path);
    const all = everything(socket);
    socket.write(PING);
    socket.write('x'.repeat(MAX_LINE + 1));
    const [first, last] = (await all).trimEnd().split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ id: 1, result: { pong: true } });
    expect(JSON.parse(last ?? '')).toMatchObject({ id: null, error: { code: -32001 } });
  });

  it('closes a connection that begins a line and waits', async () => {
    await using setting = await gateOverSocket({ lineDeadline: 50 });
    const socket = await open(setting.ordinary.path);
    socket.write('{');
    expect(await everything(socket)).toBe('');
  });

  it('does not read from whom does not read', async () => {
    await using setting = await gateOverSocket();
    const socket = await open(setting.ordinary.path);
    socket.pause();
    const calls = 20_000;
    const version = '{"jsonrpc":"2.0","id":1,"method":"version"}\n';
    socket.write(version.repeat(calls));
    // The other connection is served meanwhile.
    const other = await open(setting.ordinary.path);
    other.write(PING);
    expect(await lines(other, 1)).toHaveLength(1);
    other.destroy();
    expect(socket.writableLength).toBeGreaterThan(0);
    expect(await lines(socket, calls)).toHaveLength(calls);
    socket.destroy();
  });

  it('holds no more connections than it may', async () => {
    await using setting = await gateOverSocket({ maxConnections: 2 });
    const held = [await open(setting.ordinary.path), await open(setting.ordinary.path)];
    const third = connect(setting.ordinary.path);
    third.write(PING);
    expect(await everything(third)).toBe('');
    for (const socket of held) socket.destroy();
  });

  it('lets no user keep the others out', async () => {
    const users = [1, 1, 1, 2, 1];
    await using setting = await gateOverSocket({
      maxConnectionsPerUser: 2,
      peerCredentials: () => ({ uid: users.shift() ?? 0 }),
    });
    const path = setting.ordinary.path;
    const held = [await open(path), await open(path)];
    expect(await everything(connect(path))).toBe('');
    const other = await open(path);
    other.write(PING);
    expect(await lines(other, 1)).toHaveLength(1);
    for (const socket of held) socket.destroy();
    // One by one: the server has seen those two close when it answers on a connection that was made after.
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    other.write(PING);
    expect(await lines(other, 1)).toHaveLength(1);
    const again = await open(path);
    again.write(PING);
    expect(await lines(again, 1)).toHaveLength(1);
    for (const socket of [other, again]) socket.destroy();
  });
});
