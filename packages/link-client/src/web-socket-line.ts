import { AgentMessage, ControlMessage, LINK_PATH, LINK_SUBPROTOCOL, MAX_FRAME_BYTES } from '@raypher/shared';
import { WebSocket } from 'ws';
import { dial } from './dial.ts';
import { endingOf, refusalIn, Teller } from './ending.ts';
import type { LinkEvents, LinkLine, LinkTarget } from './line.ts';

/** Silence after which the control plane is asked whether it is there; as long again, and it is not. Milliseconds. */
const PING_EVERY_MS = 15_000;
const OPEN_WITHIN_MS = 15_000;
/** More than this waiting is more than the line likes. Bytes. */
const HIGH_WATER = 256 * 1024;
const GOODBYE_MS = 1_000;
const NORMAL = 1000;

/** One WebSocket: a binary message for each protobuf message. */
export function openWebSocketLine(target: LinkTarget, events: LinkEvents): LinkLine {
  return new WebSocketLine(target, events);
}

class WebSocketLine implements LinkLine {
  readonly #teller: Teller;
  readonly #abort = new AbortController();
  /** What was written before it was open. */
  #waiting: Uint8Array[] = [];
  #socket: WebSocket | undefined;
  #pings: NodeJS.Timeout | undefined;

  constructor(target: LinkTarget, events: LinkEvents) {
    this.#teller = new Teller(events);
    void this.#open(target).catch((error: unknown) => this.#fail(error));
  }

  write(message: AgentMessage): void {
    if (this.#teller.done) return;
    const frame = AgentMessage.encode(message).finish();
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(frame);
    else this.#waiting.push(frame);
  }

  writable(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN && this.#socket.bufferedAmount < HIGH_WATER;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  leave(): void {
    this.#teller.silence();
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      this.close();
      return;
    }
    this.#socket.close(NORMAL);
    setTimeout(() => this.close(), GOODBYE_MS).unref();
  }

  close(): void {
    this.#teller.silence();
    this.#hangUp();
  }

  async #open(target: LinkTarget): Promise<void> {
    const connection = await dial(target, this.#abort.signal);
    if (this.#teller.done) {
      connection.destroy();
      return;
    }
    const socket = new WebSocket(`wss://${urlHost(target)}${LINK_PATH}`, LINK_SUBPROTOCOL, {
      createConnection: () => connection,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      handshakeTimeout: OPEN_WITHIN_MS,
      followRedirects: false,
    });
    this.#socket = socket;
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < 16_384) text += chunk;
      });
      const tell = () => {
        const refusal = refusalIn(text);
        this.#teller.end(
          refusal === undefined
            ? endingOf(`unexpected answer ${response.statusCode} to the WebSocket`)
            : endingOf(refusal.reason, refusal.code),
        );
        this.#hangUp();
      };
      response.on('end', tell);
      response.on('error', tell);
    });
    socket.on('open', () => {
      for (const frame of this.#waiting) socket.send(frame);
      this.#waiting = [];
      this.#pings = this.#keepAlive(socket);
    });
    socket.on('message', (frame: Buffer) => this.#take(frame));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', (status, reason) => {
      const said = reason.toString();
      this.#teller.end(
        status === NORMAL
          ? { kind: 'over', reason: 'the control plane ended the connection', code: '' }
          : endingOf(said === '' ? `the WebSocket was dropped (${status})` : said, said),
      );
      this.#hangUp();
    });
  }

  #take(frame: Buffer): void {
    let message: ControlMessage;
    try {
      message = ControlMessage.decode(frame);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#teller.message(message);
    if (this.#teller.done) this.#hangUp();
  }

  #keepAlive(socket: WebSocket): NodeJS.Timeout {
    let heard = true;
    const hear = () => {
      heard = true;
    };
    socket.on('pong', hear);
    socket.on('ping', hear);
    socket.on('message', hear);
    return setInterval(() => {
      if (!heard) {
        this.#fail(new Error('the control plane does not answer any more'));
        return;
      }
      heard = false;
      socket.ping();
    }, PING_EVERY_MS).unref();
  }

  #fail(error: unknown): void {
    this.#teller.end(endingOf(error instanceof Error ? error.message : String(error)));
    this.#hangUp();
  }

  #hangUp(): void {
    clearInterval(this.#pings);
    this.#abort.abort();
    const socket = this.#socket;
    if (socket === undefined) return;
    // Breaking a handshake is an error to the library, about which nobody asks any more.
    socket.on('error', () => undefined);
    socket.terminate();
  }
}

function urlHost({ host, port }: LinkTarget): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
