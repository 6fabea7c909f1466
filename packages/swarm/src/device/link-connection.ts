import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type AgentMessage, type ControlMessage, LinkClient, MAX_FRAME_BYTES } from '@raypher/shared';

/** Why a stream is over; told once. */
export interface LinkEnding {
  /** The control plane's own code, or the name of the gRPC status. */
  code: string;
  /** How long the control plane asked us to stay away, milliseconds; 0 when it did not. */
  retryAfterMs: number;
}

export interface LinkListener {
  onMessage(message: ControlMessage): void;
  onEnd(ending: LinkEnding): void;
}

export interface LinkTarget {
  host: string;
  port: number;
  /** PEM of the root CA. */
  root: string;
  keyPem: string;
  certificate: string;
}

/** What `raypher-code` in the trailing metadata says; clients log it and act on it. */
const CODE_KEY = 'raypher-code';
const RETRY_KEY = 'raypher-retry-after-ms';

const CHANNEL_OPTIONS = {
  // One TCP and TLS connection per device, as with separate machines: by default grpc-js shares them.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  // Bookkeeping that nobody reads costs memory on every one of thousands of channels.
  'grpc.enable_channelz': 0,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.max_receive_message_length': MAX_FRAME_BYTES,
} as const;

/** One mutually authenticated stream to the control plane, from dialling to its end. */
export class LinkConnection {
  readonly #client: LinkClient;
  readonly #stream: ClientDuplexStream<AgentMessage, ControlMessage>;
  readonly #listener: LinkListener;
  #ended = false;

  constructor(target: LinkTarget, listener: LinkListener) {
    this.#listener = listener;
    this.#client = new LinkClient(
      `${bracketed(target.host)}:${target.port}`,
      channelCredentials(target),
      CHANNEL_OPTIONS,
    );
    this.#stream = this.#client.connect(new Metadata());
    this.#stream.on('data', (message: ControlMessage) => {
      if (!this.#ended) listener.onMessage(message);
    });
    this.#stream.on('error', (error: ServiceError) => this.#end(endingOf(error)));
    // A clean end of the server's half: grpc-js reports the status separately, and only errors above.
    this.#stream.on('end', () => this.#end(quietly('closed')));
  }

  send(message: AgentMessage): void {
    if (!this.#ended) this.#stream.write(message);
  }

  /** Ends our half and waits for the other side to do the same, or breaks the connection as a crash would. */
  close(how: 'politely' | 'abruptly'): void {
    if (this.#ended) return;
    if (how === 'abruptly') {
      this.#end(quietly('dropped'));
      return;
    }
    this.#stream.end();
    this.#finish(quietly('left'), () => {
      const insist = setTimeout(() => this.#hangUp(), GOODBYE_MS);
      this.#stream.once('status', () => {
        clearTimeout(insist);
        this.#client.close();
      });
    });
  }

  #end(ending: LinkEnding): void {
    this.#finish(ending, () => this.#hangUp());
  }

  #finish(ending: LinkEnding, release: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    // Errors that still arrive for the abandoned stream have nobody to interest.
    this.#stream.removeAllListeners('error').on('error', () => {});
    release();
    this.#listener.onEnd(ending);
  }

  #hangUp(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

/** How long a polite goodbye may take before the connection is broken. */
const GOODBYE_MS = 1_000;

function channelCredentials(target: LinkTarget): ChannelCredentials {
  return credentials.createSsl(
    Buffer.from(target.root),
    Buffer.from(target.keyPem),
    Buffer.from(target.certificate),
  );
}

function quietly(code: string): LinkEnding {
  return { code, retryAfterMs: 0 };
}

function endingOf({ code, metadata }: ServiceError): LinkEnding {
  const [ownCode] = metadata?.get(CODE_KEY) ?? [];
  const [retryAfter] = metadata?.get(RETRY_KEY) ?? [];
  const retryAfterMs = Number(retryAfter ?? 0);
  return {
    code: ownCode?.toString() ?? status[code] ?? 'UNKNOWN',
    retryAfterMs: Number.isFinite(retryAfterMs) ? Math.max(0, retryAfterMs) : 0,
  };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
