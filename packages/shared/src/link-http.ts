import { RaypherError } from './errors.ts';

/** What carries the messages of the link: the first that a network lets through, in this order. */
export const LINK_TRANSPORTS = ['grpc', 'websocket', 'long-poll'] as const;
export type LinkTransport = (typeof LINK_TRANSPORTS)[number];

/** Where a WebSocket is opened: one binary message for each protobuf message. */
export const LINK_PATH = '/v1/link';
export const LINK_SUBPROTOCOL = 'raypher.v1';

/**
 * Long polling. `POST` here opens a session with one AgentMessage, which is Hello, and is answered with
 * `{"session":"…"}`. Then:
 *
 * - `POST …/{session}/send?seq=N`: AgentMessages, the first of which has the number N (Hello was 1);
 * - `GET …/{session}/receive?after=N`: what the control plane has to say after its message N, which takes N and all
 *   before it for received;
 * - `DELETE …/{session}`: the device leaves.
 *
 * Several messages follow one another as {@link joinFrames} writes them.
 */
export const LINK_SESSIONS_PATH = '/v1/link/sessions';

/** How long a request for messages waits for the first one. Milliseconds. */
export const LONG_POLL_MS = 25_000;
/** A session that nobody asks for messages is over after this. Milliseconds. */
export const LONG_POLL_IDLE_MS = 60_000;

const CONTINUES = 0x80;
/** Of a length: five groups of seven bits are more than any frame has. */
const MAX_LENGTH_BYTES = 5;

/**
 * Messages one after the other, each behind its length as a varint
 * (https://protobuf.dev/programming-guides/techniques/#streaming).
 */
export function joinFrames(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(frames.flatMap((frame) => [varint(frame.length), frame]));
}

/**
 * The inverse of {@link joinFrames}; the frames share the memory of `body`.
 *
 * @throws RaypherError `link/protocol` for anything that does not end where a frame ends
 */
export function splitFrames(body: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  while (at < body.length) {
    let length = 0;
    for (let index = 0; ; index += 1) {
      const byte = body[at];
      if (byte === undefined || index === MAX_LENGTH_BYTES) throw cutOff();
      at += 1;
      length += (byte % CONTINUES) * 2 ** (7 * index);
      if (byte < CONTINUES) break;
    }
    if (length > body.length - at) throw cutOff();
    frames.push(body.subarray(at, at + length));
    at += length;
  }
  return frames;
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= CONTINUES; rest = Math.floor(rest / CONTINUES)) bytes.push((rest % CONTINUES) + CONTINUES);
  return Uint8Array.from([...bytes, rest]);
}

function cutOff(): RaypherError {
  return new RaypherError('link/protocol', 'Messages were cut off, or are no messages.');
}
