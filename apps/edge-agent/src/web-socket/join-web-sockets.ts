import type { RawData, WebSocket } from 'ws';
import type { LiveConnection } from '../connections/live-connections.ts';
import type { Message, MessageInspector } from './message.ts';

interface Joined {
  client: WebSocket;
  /** Paused: what it sent already is relayed from here on. */
  server: WebSocket;
  /** Ends both. */
  signal: AbortSignal;
  state: Pick<LiveConnection, 'bytesSent' | 'bytesReceived'>;
  inspect: Readonly<Record<'out' | 'in', MessageInspector>>;
  /** An inspector ended the connection: because of what was found, or because it failed. */
  stopped: (why: unknown) => void;
}

export interface Carried {
  bytesOut: number;
  bytesIn: number;
  /** A message was not let through. */
  blocked: boolean;
}

/** Beyond this much that the other side has not taken yet, nothing more is read. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** The same, for frames: memory that an empty one takes is not in its bytes. */
const HIGH_WATER_FRAMES = 1024;
/** RFC 6455 §7.4.1: no status was sent, and the connection broke; neither may be sent. */
const NO_STATUS = 1005;
const ABNORMAL = 1006;
const POLICY_VIOLATION = 1008;
/** A message is held no longer than this while no other follows, ms. */
const LONGEST_HOLD_MS = 500;

/** Relays messages, pings and the end in both directions, as fast as the slower side takes them. */
export async function joinWebSockets(joined: Joined): Promise<Carried> {
  const { client, server, signal, state, inspect, stopped } = joined;
  const carried: Carried = { bytesOut: 0, bytesIn: 0, blocked: false };
  const block = (): void => {
    carried.blocked = true;
    for (const end of [client, server]) end.close(POLICY_VIOLATION, 'Blocked by Raypher');
  };
  relay(client, server, 'out');
  relay(server, client, 'in');
  const cut = (): void => {
    client.close(POLICY_VIOLATION, 'Ended by Raypher');
    server.terminate();
  };
  signal.addEventListener('abort', cut, { once: true });
  if (signal.aborted) cut();
  server.resume();
  await Promise.all([closed(client), closed(server)]);
  signal.removeEventListener('abort', cut);
  return carried;

  function relay(from: WebSocket, to: WebSocket, direction: 'out' | 'in'): void {
    const inspector = inspect[direction];
    let timer: NodeJS.Timeout | undefined;
    let waiting = 0;
    const isFull = (): boolean => waiting >= HIGH_WATER_FRAMES || to.bufferedAmount >= HIGH_WATER_BYTES;
    const passOn = (write: (taken: () => void) => void): void => {
      if (to.readyState !== to.OPEN) return;
      waiting += 1;
      write(() => {
        waiting -= 1;
        if (from.isPaused && !isFull()) from.resume();
      });
      if (isFull()) from.pause();
    };
    const pass = (look: () => readonly Message[]): void => {
      clearTimeout(timer);
      if (carried.blocked) return;
      try {
        for (const { bytes, isBinary } of look()) {
          passOn((taken) => to.send(bytes, { binary: isBinary }, taken));
        }
      } catch (error) {
        block();
        stopped(error);
        return;
      }
      if (inspector.isHolding) timer = setTimeout(() => pass(() => inspector.flush()), LONGEST_HOLD_MS);
    };
    from.on('message', (data: RawData, isBinary: boolean) => {
      if (carried.blocked) return;
      const bytes = bytesOf(data);
      if (direction === 'out') state.bytesSent = carried.bytesOut += bytes.length;
      else state.bytesReceived = carried.bytesIn += bytes.length;
      pass(() => inspector.push({ bytes, isBinary }));
    });
    from.on('ping', (data) => passOn((taken) => to.ping(data, undefined, taken)));
    from.on('pong', (data) => passOn((taken) => to.pong(data, undefined, taken)));
    from.on('close', (code, reason) => {
      pass(() => inspector.flush());
      if (code === ABNORMAL) to.terminate();
      else if (code === NO_STATUS) to.close();
      else to.close(code, reason);
    });
    // The library closes with the right code by itself (1002, 1007, 1009); 'close' follows.
    from.on('error', () => {});
  }
}

function closed(socket: WebSocket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (socket.readyState === socket.CLOSED) resolve();
  else socket.once('close', () => resolve());
  return promise;
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
