import { type LinkLine, openLink } from '@raypher/link-client';
import type { AgentMessage, ControlMessage, LinkTransport } from '@raypher/shared';

/** Why a line is over; told once. */
export interface LinkEnding {
  /**
   * The control plane's own code; `closed`, `left`, `dropped` and `hung` for ordinary ends, else what kind of failure
   * it was.
   */
  code: string;
}

export interface LinkListener {
  onMessage(message: ControlMessage): void;
  /** How long nothing is read after a message, milliseconds. */
  readPauseMs(): number;
  onEnd(ending: LinkEnding): void;
}

export interface LinkIdentity {
  host: string;
  port: number;
  transport: LinkTransport;
  /** PEM of the root CA. */
  root: string;
  keyPem: string;
  certificate: string;
}

/** One mutually authenticated line to the control plane, from dialling to its end. */
export class LinkConnection {
  readonly #line: LinkLine;
  readonly #listener: LinkListener;
  #ended = false;

  constructor({ host, port, transport, root, keyPem, certificate }: LinkIdentity, listener: LinkListener) {
    this.#listener = listener;
    const tls = { ca: root, key: keyPem, cert: certificate };
    this.#line = openLink(
      transport,
      { host, port, tls },
      {
        message: (message) => {
          if (this.#ended) return;
          listener.onMessage(message);
          this.#pauseFor(listener.readPauseMs());
        },
        ended: ({ kind, code }) => this.#finish(code === '' ? (kind === 'over' ? 'closed' : kind) : code),
      },
    );
  }

  send(message: AgentMessage): void {
    if (!this.#ended) this.#line.write(message);
  }

  /** Ends our half and waits for the other side to do the same, or breaks the connection as a crash would. */
  close(how: 'politely' | 'abruptly'): void {
    if (this.#ended) return;
    if (how === 'politely') this.#line.leave();
    else this.#line.close();
    this.#finish(how === 'politely' ? 'left' : 'dropped');
  }

  /** Reads nothing more and says nothing more, and leaves the connection open. */
  hang(): void {
    if (this.#ended) return;
    this.#line.pause();
    this.#finish('hung');
  }

  /** Breaks the connection, whatever state it is in. */
  hangUp(): void {
    this.#line.close();
    this.#finish('dropped');
  }

  #pauseFor(ms: number): void {
    if (ms === 0 || this.#ended) return;
    this.#line.pause();
    setTimeout(() => {
      if (!this.#ended) this.#line.resume();
    }, ms).unref();
  }

  #finish(code: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.onEnd({ code });
  }
}
