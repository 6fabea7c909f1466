import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { writeTogether } from './write-together.ts';

/** Pieces in which an answer reaches a client, each as it was written to the socket. */
async function piecesOf(
  answer: (write: (text: string) => void, nextTurn: () => Promise<void>) => Promise<void>,
) {
  const server = createServer((_request, response) => {
    const { socket } = response;
    const together = writeTogether(response);
    response.sendDate = false;
    together();
    response.writeHead(200, { connection: 'close', 'content-length': 6 });
    response.flushHeaders();
    const write = (text: string): void => {
      together();
      response.write(text);
    };
    const nextTurn = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      left.push(socket?.writableLength ?? Number.NaN);
    };
    void answer(write, nextTurn).then(() => response.end());
  });
  /** Bytes that are held back after each turn. */
  const left: number[] = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of client) chunks.push(chunk);
  server.close();
  return { chunks: chunks.map(String), left };
}

test('a head and the pieces that come with it leave as one', async () => {
  const { chunks } = await piecesOf(async (write) => {
    write('abc');
    await Promise.resolve();
    write('def');
  });
  expect(chunks).toHaveLength(1);
  expect(chunks[0]).toMatch(/\r\n\r\nabcdef$/);
});

test('a head leaves before anything is waited for, and so does each piece', async () => {
  const { chunks, left } = await piecesOf(async (write, nextTurn) => {
    await nextTurn();
    write('abc');
    await nextTurn();
    write('def');
    await nextTurn();
  });
  expect(chunks.join('')).toMatch(/\r\n\r\nabcdef$/);
  expect(left).toEqual([0, 0, 0]);
});
