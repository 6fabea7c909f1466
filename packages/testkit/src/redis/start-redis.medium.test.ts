import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from './start-redis.ts';

const started: RedisServer[] = [];

async function start(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
  const server = await startRedis(options);
  started.push(server);
  return server;
}

/** Speaks RESP inline commands: enough to see what the server allows. */
function ask(port: number, ...commands: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
    socket.write(`${[...commands, 'QUIT'].join('\r\n')}\r\n`);
  });
}

const password = (server: RedisServer) => decodeURIComponent(new URL(server.url).password);

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

describe('a Redis of our own', () => {
  it('answers nobody without the password', async () => {
    const server = await start();
    expect(await ask(server.port, 'PING')).toMatch(/^-NOAUTH/);
    expect(await ask(server.port, `AUTH ${password(server)}`, 'PING')).toBe('+OK\r\n+PONG\r\n+OK\r\n');
  });

  it('keeps the password in a file only its owner can read', async () => {
    const server = await start();
    const configuration = join(server.dir, 'redis.conf');
    expect((await stat(configuration)).mode & 0o777).toBe(0o600);
    expect(await readFile(configuration, 'utf8')).toContain(password(server));
    expect(await readFile(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain(password(server));
  });

  it('comes back on the same port with its data after a kill -9', async () => {
    const server = await start({ persistent: true });
    await ask(server.port, `AUTH ${password(server)}`, 'CONFIG SET appendfsync always', 'SET kept 42');
    server.kill('SIGKILL');
    await server.exited;
    await server.restart();
    expect(await ask(server.port, `AUTH ${password(server)}`, 'GET kept')).toContain('$2\r\n42');
  });
});
