import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { freePort } from '@raypher/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { startBalancer } from './balancer.mjs';

/** @type {(() => Promise<unknown>)[]} */
const stopping = [];
afterEach(async () => {
  for (const stop of stopping.splice(0).reverse()) await stop();
});

/** Answers what it is sent, with its name in front. @param {string} name */
async function echo(name) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => socket.write(`${name}:${bytes}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  stopping.push(stop);
  return { port: typeof address === 'object' && address !== null ? address.port : 0, stop };
}

/** @param {import('./balancer.mjs').Target[]} targets */
async function balance(targets) {
  const balancer = await startBalancer({ port: 0, host: '127.0.0.1', targets });
  stopping.push(balancer.close);
  return balancer.port;
}

/** @param {number} port */
async function ask(port) {
  const socket = connect(port, '127.0.0.1');
  stopping.push(async () => socket.destroy());
  socket.write('hello');
  const [answer] = await once(socket, 'data');
  return { socket, answer: String(answer) };
}

describe('the balancer', () => {
  it('spreads connections over all processes', async () => {
    const [one, two] = [await echo('one'), await echo('two')];
    const port = await balance([one, two]);
    const answers = [];
    for (let count = 0; count < 6; count += 1) answers.push((await ask(port)).answer);
    expect(answers.filter((answer) => answer === 'one:hello')).toHaveLength(3);
    expect(answers.filter((answer) => answer === 'two:hello')).toHaveLength(3);
  });

  it('passes by a process that is gone, and ends the connections that it had', async () => {
    const [one, two] = [await echo('one'), await echo('two')];
    const port = await balance([one, two]);
    const held = [await ask(port), await ask(port)];
    const lost = held.find(({ answer }) => answer === 'one:hello');
    const closed = once(/** @type {import('node:net').Socket} */ (lost?.socket), 'close');
    await one.stop();
    await closed;
    for (let count = 0; count < 4; count += 1) expect((await ask(port)).answer).toBe('two:hello');
  });

  it('gives no new connections to a process that says that it is not ready', async () => {
    const [one, two] = [await echo('one'), await echo('two')];
    // Nobody answers there.
    const readyUrl = `http://127.0.0.1:${await freePort()}/readyz`;
    const port = await balance([{ ...one, readyUrl }, two]);
    await expect
      .poll(async () => [(await ask(port)).answer, (await ask(port)).answer])
      .toEqual(['two:hello', 'two:hello']);
  });

  it('ends a connection when there is nobody to take it', async () => {
    const port = await balance([{ port: await freePort() }]);
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'close');
  });

  it('passes on large amounts unharmed, in both directions', async () => {
    const server = createServer((socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    stopping.push(async () => server.close());
    const port = await balance([
      { port: typeof address === 'object' && address !== null ? address.port : 0 },
    ]);
    const socket = connect(port, '127.0.0.1');
    const sent = Buffer.alloc(8 * 1024 * 1024, 'abcdefghij');
    socket.end(sent);
    const pieces = [];
    for await (const piece of socket) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(sent)).toBe(true);
  });
});
