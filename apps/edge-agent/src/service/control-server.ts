import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { RaypherError } from '@raypher/shared';
import { asRaypherError } from '../uplink/desired-state.ts';
import { type ControlAnswer, ControlRequest, MAX_REQUEST_BYTES } from './control-protocol.ts';

/** Answers one request; `send` is for streams of entries, `closed` fires when the asker hangs up. */
export type ControlHandler = (
  request: ControlRequest,
  stream: { send: (entry: unknown) => void; closed: AbortSignal },
) => Promise<unknown>;

/** The longest path a Unix socket can have on Linux is 107 bytes (unix(7)). */
const LONGEST_PATH = 107;

/**
 * Listens for the command line on a socket that only the owner of the data folder can open.
 *
 * @returns how to stop
 */
export async function startControlServer(path: string, handle: ControlHandler): Promise<() => Promise<void>> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new RaypherError('config/invalid', `The path ${path} is too long for a control socket.`, {
      hint: `Choose a --data-dir so that it has at most ${LONGEST_PATH} bytes.`,
    });
  }
  // What is there was left by a service that was killed: the lock says that none is running.
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, handle);
  });
  await listen(server, path);
  chmodSync(path, 0o600);
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}

function serve(socket: Socket, handle: ControlHandler): void {
  const gone = new AbortController();
  const send = (answer: ControlAnswer): void => {
    if (!gone.signal.aborted) socket.write(`${JSON.stringify(answer)}\n`);
  };
  const answer = async (line: string): Promise<void> => {
    try {
      const stream = { send: (entry: unknown) => send({ entry }), closed: gone.signal };
      send({ result: (await handle(parseRequest(line), stream)) ?? null });
    } catch (error) {
      send(asRaypherError(error).toBody());
    }
  };
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    if (pending.length > MAX_REQUEST_BYTES) {
      socket.destroy();
      return;
    }
    for (const line of lines) void answer(line);
  });
  socket.on('error', () => socket.destroy());
  socket.once('close', () => gone.abort());
}

function parseRequest(line: string): ControlRequest {
  try {
    return ControlRequest.parse(JSON.parse(line));
  } catch (cause) {
    throw new RaypherError('request/invalid', 'The service does not understand this request.', {
      hint: 'The command line and the service may be of different versions.',
      cause,
    });
  }
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  // The folder may be one that others can look into: the socket must not be theirs to open for a moment either.
  const before = process.umask(0o177);
  try {
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  } finally {
    process.umask(before);
  }
  return promise;
}
