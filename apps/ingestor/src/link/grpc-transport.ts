import type { TLSSocket } from 'node:tls';
import { type ConnectionInjector, Server, ServerCredentials } from '@grpc/grpc-js';
import { MAX_FRAME_BYTES } from '@raypher/shared';
import { GrpcLine } from './grpc-line.ts';
import type { Line } from './line.ts';
import type { LinkListener } from './link-listener.ts';
import { LINK_WIRE, type LinkCall } from './wire.ts';

/** The gRPC service on connections that speak HTTP/2. */
export class GrpcTransport {
  private readonly server: Server;
  private readonly injector: ConnectionInjector;

  constructor(listener: LinkListener, accept: (line: Line) => void) {
    this.server = new Server({
      'grpc.max_receive_message_length': MAX_FRAME_BYTES,
      'grpc.max_concurrent_streams': 2,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      // A connection without a stream is nobody's.
      'grpc.max_connection_idle_ms': 30_000,
      'grpc-node.max_session_memory': 32,
      'grpc.enable_channelz': 0,
    });
    this.server.addService(LINK_WIRE, {
      connect: (call: LinkCall) => accept(new GrpcLine(call, listener)),
    });
    // TLS is ended by the listener in front; these credentials only say that gRPC need not do it again.
    this.injector = this.server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  take(socket: TLSSocket): void {
    this.injector.injectConnection(socket);
  }

  /** Lets what was written be delivered for so long. Milliseconds. */
  drain(withinMs: number): void {
    this.injector.drain(withinMs);
  }

  stop(): void {
    this.server.forceShutdown();
  }
}
