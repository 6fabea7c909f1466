import { createServer, type Socket } from 'node:net';
import type { Caller } from '../permit/subject.ts';
import type { CallContext } from '../rpc/call-context.ts';
import { type LineHandler, MAX_LINE } from '../rpc/handle-line.ts';
import { RPC_ERRORS } from '../rpc/rpc-error.ts';
import { bindPrivateSocket, type SocketFile } from './bind-private-socket.ts';
import { LineBuffer } from './line-buffer.ts';
import { UserShare } from './user-share.ts';

export { GateSocketError } from './bind-private-socket.ts';

/** Milliseconds that a line may take from its first byte to its end. */
const LINE_DEADLINE = 10_000;
const MAX_CONNECTIONS = 256;
const MAX_CONNECTIONS_PER_USER = 128;
/** Milliseconds of each second that are worked for one user. */
const MOST_WORK_PER_USER = 100;

export interface GateServerOptions extends SocketFile {
  readonly handler: LineHandler;
  /**
   * Who the operating system says connected (`SO_PEERCRED`, `LOCAL_PEERCRED`). Without an answer the
   * connection is closed before a byte is read.
   */
  readonly peerCredentials: (socket: Socket) => Caller | undefined;
  /** Awaited before the first line of a connection is read, such as to find out what the caller is. */
  readonly prepare?: ((caller: Caller) => Promise<void>) | undefined;
  /** Whether this is the privileged socket. */
  readonly mint: boolean;
  /** Connections at a time; 256 unless given. */
  readonly maxConnections?: number | undefined;
  /** Of them, at most this many of one user, so that nobody can keep the others out; 128 unless given. */
  readonly maxConnectionsPerUser?: number | undefined;
  /** Milliseconds that a line may take to arrive; 10 s unless given. */
  readonly lineDeadline?: number | undefined;
  /** Milliseconds of each second that are worked for one user; 100 unless given. */
  readonly mostWorkPerUser?: number | undefined;
}

export interface GateServer {
  readonly path: string;
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

const TOO_LARGE = `${JSON.stringify({
  jsonrpc: '2.0',
  id: null,
  error: { ...RPC_ERRORS['gate/too-large'], data: { code: 'gate/too-large' } },
})}\n`;

function callerOf(socket: Socket, options: GateServerOptions): Caller | undefined {
  try {
    return options.peerCredentials(socket);
  } catch {
    // Nobody is known to be there, which is what a refusal says.
    return undefined;
  }
}

function serve(socket: Socket, caller: Caller, options: GateServerOptions, share: UserShare): void {
  const gone = new AbortController();
  const context: CallContext = {
    caller,
    mint: options.mint,
    gone: gone.signal,
    later: (line) => void line.then((text) => socket.writable && socket.write(`${text}\n`)),
  };
  const lines = new LineBuffer(MAX_LINE);
  let deadline: NodeJS.Timeout | undefined;
  let pause: NodeJS.Timeout | undefined;
  const wait = (milliseconds: number): void => {
    socket.pause();
    pause = setTimeout(() => {
      pause = undefined;
      if (!socket.writableNeedDrain) socket.resume();
    }, milliseconds);
  };
  socket.on('data', (chunk: Buffer) => {
    const startedAt = performance.now();
    let answers = '';
    const readable = lines.feed(chunk, (line) => {
      // Bytes that are not UTF-8 are not JSON either (RFC 8259 §8.1); nothing is not JSON in the same way.
      const answer = options.handler(line ?? '', context);
      if (answer !== undefined) answers += `${answer}\n`;
    });
    if (!readable) {
      socket.end(answers + TOO_LARGE);
      socket.destroySoon();
      return;
    }
    // Whoever does not read its answers is not read from.
    if (answers !== '' && !socket.write(answers)) socket.pause();
    if (!lines.unfinished) {
      clearTimeout(deadline);
      deadline = undefined;
    } else {
      deadline ??= setTimeout(() => socket.destroy(), options.lineDeadline ?? LINE_DEADLINE);
    }
    const now = performance.now();
    const left = share.spend(caller.uid, now - startedAt, now);
    if (left > 0) wait(left);
  });
  socket.on('drain', () => {
    if (pause === undefined) socket.resume();
  });
  socket.on('close', () => {
    clearTimeout(deadline);
    clearTimeout(pause);
    gone.abort();
  });
}

/**
 * Serves a gate on a Unix socket: newline-delimited JSON-RPC 2.0, one line in, one line out.
 *
 * @throws GateSocketError when the place is not private, taken, or not a place for a socket
 */
export async function startGateServer(options: GateServerOptions): Promise<GateServer> {
  const sockets = new Set<Socket>();
  const perUser = new Map<number, number>();
  const share = new UserShare(options.mostWorkPerUser ?? MOST_WORK_PER_USER);
  const mostPerUser = options.maxConnectionsPerUser ?? MAX_CONNECTIONS_PER_USER;
  const admit = (socket: Socket, { uid }: Caller): boolean => {
    const held = perUser.get(uid) ?? 0;
    if (held >= mostPerUser) return false;
    perUser.set(uid, held + 1);
    socket.on('close', () => {
      const left = (perUser.get(uid) ?? 1) - 1;
      if (left === 0) perUser.delete(uid);
      else perUser.set(uid, left);
    });
    return true;
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A peer that goes away is ordinary; 'close' follows.
    socket.on('error', () => socket.destroy());
    const caller = callerOf(socket, options);
    if (caller === undefined || !admit(socket, caller)) socket.destroy();
    else if (options.prepare === undefined) serve(socket, caller, options, share);
    else {
      options.prepare(caller).then(
        () => serve(socket, caller, options, share),
        () => socket.destroy(),
      );
    }
  });
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  const removeSocket = await bindPrivateSocket(server, options);
  return {
    path: options.path,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await removeSocket();
    },
  };
}
