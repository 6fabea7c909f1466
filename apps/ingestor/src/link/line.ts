import type { LinkTransport, RaypherError } from '@raypher/shared';
import type { Peer } from './link-listener.ts';
import type { Inbound } from './wire.ts';

/**
 * The device's end of a stream, whatever carries it. Frames are whole protobuf messages.
 *
 * What a device does not take in time waits in the slots of its stream, not here: whoever writes asks `isFull` before,
 * except for the last words of a stream.
 */
export interface Line {
  readonly transport: LinkTransport;
  /** Names the connection; more than one line may be on it. */
  readonly connection: string;
  /** More waits than the device has taken. */
  readonly isFull: boolean;
  /** Who is at the other end, as its TLS handshake proved it; undefined when the connection is gone. */
  peer(): Peer | undefined;
  /** Reads messages from now on. */
  listen(owner: LineOwner): void;
  onClosed(closed: () => void): void;
  /** Nothing more is read until {@link Line.resume}. */
  pause(): void;
  resume(): void;
  write(frame: Buffer): void;
  /** The device has closed its side: closes ours. */
  finish(): void;
  /** Ends it for a reason; what was written before is still delivered. */
  refuse(error: RaypherError, retryAfterMs: number | undefined): void;
  /** Breaks the connection. */
  hangUp(): void;
}

/** What a line tells whoever listens to it. */
export interface LineOwner {
  received(message: Inbound): void;
  /** The device has caught up. */
  drained(): void;
  /** @param politely the device closed its side and waits for ours */
  left(politely: boolean): void;
}

/** The sentence for people that a stream ends with. */
export function lastWords(error: RaypherError): string {
  return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
}
