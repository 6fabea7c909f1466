import type { MethodDefinition, ServerDuplexStream } from '@grpc/grpc-js';
import { AgentMessage, ControlMessage, LinkService } from '@raypher/shared';
import { isWorthDecoding } from './frame-cost.ts';

/** A frame that could not be decoded, or that nobody should; it ends its stream, with a reason, and nothing else. */
export const MALFORMED = Symbol('malformed');
export type Inbound = AgentMessage | typeof MALFORMED;
export type LinkCall = ServerDuplexStream<Inbound, Buffer>;
export type ControlBody = NonNullable<ControlMessage['body']>;

interface LinkWire {
  connect: MethodDefinition<Inbound, Buffer>;
  [method: string]: MethodDefinition<Inbound, Buffer>;
}

/**
 * The service as the server speaks it: outbound messages arrive here encoded, because a broadcast is
 * encoded once for all streams, and what cannot be decoded becomes a value instead of an exception
 * inside the library.
 */
export const LINK_WIRE: LinkWire = {
  connect: {
    path: LinkService.connect.path,
    requestStream: true,
    responseStream: true,
    requestSerialize: () => {
      throw new Error('a server sends no requests');
    },
    requestDeserialize: decode,
    responseSerialize: (frame: Buffer) => frame,
    responseDeserialize: (frame: Buffer) => frame,
  },
};

export function encode(body: ControlBody): Buffer {
  return Buffer.from(ControlMessage.encode({ body }).finish());
}

export function decode(frame: Buffer): Inbound {
  if (!isWorthDecoding(frame)) return MALFORMED;
  try {
    return AgentMessage.decode(frame);
  } catch {
    return MALFORMED;
  }
}
