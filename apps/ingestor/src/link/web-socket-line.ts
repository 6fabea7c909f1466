import type { TLSSocket } from 'node:tls';
import { ControlMessage, type RaypherError } from '@raypher/shared';
import type { WebSocket } from 'ws';
import { type Line, type LineOwner, lastWords } from './line.ts';
import type { Peer } from './link-listener.ts';
import { decode, MALFORMED } from './wire.ts';

/** RFC 6455 §7.4.1 and, for a refusal, §7.4.2. */
const NORMAL = 1000;
const REFUSED = 4000;
/** Silence after which a device is asked whether it is there, and how long it may take to answer. Milliseconds. */
const PING_AFTER_MS = 30_000;
const PONG_WITHIN_MS = 10_000;

/** One WebSocket: a binary message for each protobuf message. */
export class WebSocketLine implements Line {
  readonly transport = 'websocket';
  private heardAt = performance.now();
  private pingedAt: number | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly tls: TLSSocket,
    private readonly proven: Peer,
    readonly connection: string,
  ) {
    // What breaks the protocol or the size limit is closed by the library; `close` follows.
    socket.on('error', () => undefined);
    socket.on('pong', () => this.hear());
    socket.on('ping', (data: Buffer) => {
      this.hear();
      // Whoever asks and does not read the answers gets no more of them.
      if (!this.isFull) socket.pong(data);
    });
  }

  get isFull(): boolean {
    return this.tls.writableNeedDrain;
  }

  peer(): Peer | undefined {
    return this.tls.destroyed ? undefined : this.proven;
  }

  listen(owner: LineOwner): void {
    this.socket.on('message', (frame: Buffer, isBinary: boolean) => {
      this.hear();
      owner.received(isBinary ? decode(frame) : MALFORMED);
    });
    this.tls.on('drain', () => owner.drained());
    this.socket.on('close', () => owner.left(false));
  }

  onClosed(closed: () => void): void {
    this.socket.on('close', closed);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  write(frame: Buffer): void {
    this.socket.send(frame, () => undefined);
  }

  finish(): void {
    this.socket.close(NORMAL);
  }

  refuse(error: RaypherError): void {
    const { code } = error;
    const value = { code, details: lastWords(error) };
    this.write(Buffer.from(ControlMessage.encode({ body: { $case: 'refusal', value } }).finish()));
    this.socket.close(REFUSED, code);
    // Its answer to that is read, also while nothing else is.
    this.socket.resume();
  }

  hangUp(): void {
    this.socket.terminate();
  }

  /** Asks a silent device whether it is there, and hangs up on one that does not answer. */
  tick(now: number): void {
    if (this.pingedAt !== undefined) {
      if (now - this.pingedAt > PONG_WITHIN_MS) this.hangUp();
    } else if (now - this.heardAt > PING_AFTER_MS) {
      this.pingedAt = now;
      this.socket.ping();
    }
  }

  private hear(): void {
    this.heardAt = performance.now();
    this.pingedAt = undefined;
  }
}
