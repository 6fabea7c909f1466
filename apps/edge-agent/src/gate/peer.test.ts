import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readStat } from '../discovery/stat.ts';
import { peerOf } from './peer.ts';

let server: Server;
let path: string;
beforeEach(async () => {
  path = join(mkdtempSync(join(tmpdir(), 'peer-')), 's');
  server = createServer().listen(path);
  await once(server, 'listening');
});
afterEach(() => server.close());

/** A process that connects, says so, and stays until its input ends. */
function connectFromElsewhere(script = '') {
  const code = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(${JSON.stringify(path)})
${script}
sys.stdin.read()`;
  return spawn('python3', ['-c', code], { stdio: ['pipe', 'inherit', 'inherit'] });
}

async function accepted(): Promise<Socket> {
  const [socket] = await once(server, 'connection');
  if (!(socket instanceof Socket)) throw new TypeError('not a socket');
  return socket;
}

test('names the process that connected, its user and when it started', async () => {
  const connection = accepted();
  const child = connectFromElsewhere();
  const socket = await connection;
  expect(peerOf(socket)).toEqual({
    uid: process.getuid?.(),
    pid: child.pid,
    startTicks: String(readStat(child.pid ?? 0)?.startTime),
  });
  child.stdin.end();
  await once(child, 'exit');
  socket.destroy();
});

test('a process that ended is nobody, although a child of it holds the connection', async () => {
  const connection = accepted();
  // The parent connects and ends; the child has the same socket and stays.
  const child = connectFromElsewhere('if os.fork() != 0: os._exit(0)');
  const exited = once(child, 'exit');
  const socket = await connection;
  await exited;
  expect(socket.destroyed).toBe(false);
  expect(peerOf(socket)).toBeUndefined();
  child.stdin.end();
  socket.destroy();
});

test('a socket that is closed has no peer', async () => {
  const connection = accepted();
  const child = connectFromElsewhere();
  const socket = await connection;
  socket.destroy();
  expect(peerOf(socket)).toBeUndefined();
  child.stdin.end();
  await once(child, 'exit');
});
