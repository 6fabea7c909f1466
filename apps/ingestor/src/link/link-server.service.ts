import { type ConnectionInjector, Server, ServerCredentials } from '@grpc/grpc-js';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { MAX_FRAME_BYTES, RaypherError } from '@raypher/shared';
import { LINK_CONFIG } from '../config/config.module.ts';
import type { LinkConfig } from '../config/config.ts';
import { asRaypherError } from '../errors/http-error.filter.ts';
import { CommitQueue } from '../ingest/commit-queue.service.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { DeviceFactsService } from '../presence/device-facts.service.ts';
import { PresenceService } from '../presence/presence.service.ts';
import { Admission } from './admission.ts';
import { AgentMessagesService } from './agent-messages.service.ts';
import { provenCertificate } from './device-directory.service.ts';
import { DeviceStream } from './device-stream.ts';
import { LinkListener } from './link-listener.ts';
import { OpeningService } from './opening.service.ts';
import { StreamRegistry } from './stream-registry.ts';
import { type Inbound, LINK_WIRE, type LinkCall, MALFORMED } from './wire.ts';

const HELLO_WITHIN_MS = 10_000;
/** A device that takes nothing for so long is cut off; it gets everything anew when it comes back. */
const BLOCKED_FOR_MS = 60_000;
const HANG_UP_AFTER_MS = 5_000;
const CALM_PACE_MS = 30_000;
/** Devices sent away at shutdown come back within this time, spread. */
const RETURN_WITHIN_MS = 5_000;
const DELIVERED_WITHIN_MS = 1_000;
/** While the database is away devices are asked to come back after about this long. */
const UNAVAILABLE_MS = 5_000;

/** The gRPC service: streams in and out of the registry. What they carry is other classes' business. */
@Injectable()
export class LinkServer implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Link');
  private readonly admission: Admission;
  /** Before and after Hello alike. */
  private readonly streams = new Set<DeviceStream>();
  /** Streams that we ended and that are not closed yet, with the time of the end. */
  private readonly refused = new Map<DeviceStream, number>();
  private readonly left = (stream: DeviceStream) => {
    this.metrics.refusedConnects.inc({ code: stream.endedWith ?? 'none' });
    // A client that does not hang up after its refusal is hung up on.
    if (stream.endedWith !== 'device/replaced') this.refused.set(stream, performance.now());
    this.leave(stream, false);
  };
  private server: Server | undefined;
  private injector: ConnectionInjector | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(
    @Inject(LINK_CONFIG) config: LinkConfig,
    private readonly listener: LinkListener,
    private readonly opening: OpeningService,
    private readonly messages: AgentMessagesService,
    private readonly registry: StreamRegistry,
    private readonly presence: PresenceService,
    private readonly facts: DeviceFactsService,
    private readonly queue: CommitQueue,
    private readonly metrics: MetricsService,
  ) {
    this.admission = new Admission(config.admissionsPerSecond);
  }

  /** @returns the port. */
  async listen(): Promise<number> {
    const server = new Server({
      'grpc.max_receive_message_length': MAX_FRAME_BYTES,
      'grpc.max_concurrent_streams': 2,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      // A connection without a stream is nobody's.
      'grpc.max_connection_idle_ms': 30_000,
      'grpc-node.max_session_memory': 32,
      'grpc.enable_channelz': 0,
    });
    server.addService(LINK_WIRE, { connect: (call: LinkCall) => this.accept(call) });
    // TLS is ended by the listener in front; these credentials only say that gRPC need not do it again.
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    const port = await this.listener.listen((socket) => injector.injectConnection(socket));
    this.server = server;
    this.injector = injector;
    this.timer = setInterval(() => this.tick(), 1_000).unref();
    this.logger.log(`The link listens on port ${port}`);
    return port;
  }

  /** Sends everybody away with a time to come back, and finishes what is being written. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    this.listener.stopAccepting();
    for (const stream of [...this.streams]) {
      stream.end(stopping(), Math.ceil(Math.random() * RETURN_WITHIN_MS));
    }
    await this.queue.drain();
    // Whoever takes what it was sent hears why; the others are not waited for.
    this.injector?.drain(DELIVERED_WITHIN_MS);
    await this.listener.untilEmpty(DELIVERED_WITHIN_MS);
    this.server?.forceShutdown();
  }

  private accept(call: LinkCall): void {
    const stream = new DeviceStream(call, this.left);
    call.on('error', () => undefined);
    call.on('close', () => this.refused.delete(stream));
    const refusal = this.refusalOf(call);
    if (refusal !== undefined) {
      // Strangers are turned away before they can use up what is there for devices.
      stream.end(refusal);
      return;
    }
    const waitMs = this.isStopping ? RETURN_WITHIN_MS : this.admission.admit();
    if (waitMs > 0) {
      stream.end(this.isStopping ? stopping() : overloaded(), waitMs);
      return;
    }
    this.streams.add(stream);
    call.on('data', (message: Inbound) => this.receive(stream, message));
    call.on('end', () => this.leave(stream, true));
    call.on('cancelled', () => this.leave(stream, false));
    call.on('close', () => this.leave(stream, false));
    call.on('drain', () => stream.caughtUp());
  }

  /** What can be said about a connection without asking the database. */
  private refusalOf(call: LinkCall): RaypherError | undefined {
    const peer = this.listener.peer(call.getPeer());
    if (peer === undefined) return new RaypherError('link/unreachable', 'The connection is gone.');
    try {
      provenCertificate(peer);
      return undefined;
    } catch (error) {
      return asRaypherError(error);
    }
  }

  private receive(stream: DeviceStream, message: Inbound): void {
    if (stream.ended) return;
    try {
      const body = message === MALFORMED ? undefined : message.body;
      if (body === undefined) throw new RaypherError('link/protocol', 'A message could not be understood.');
      const { identity } = stream;
      if (identity !== undefined) {
        this.messages.receive(stream, identity, body);
        return;
      }
      if (body.$case !== 'hello') throw new RaypherError('link/protocol', 'The first message must be Hello.');
      // Nothing more is read until this device is known.
      stream.call.pause();
      void this.open(stream, body.value);
    } catch (error) {
      this.refuse(stream, error);
    }
  }

  private async open(stream: DeviceStream, hello: Parameters<OpeningService['open']>[2]): Promise<void> {
    try {
      const peer = this.listener.peer(stream.call.getPeer());
      if (peer === undefined) throw new RaypherError('link/unreachable', 'The connection is gone.');
      await this.opening.open(stream, peer, hello);
      stream.call.resume();
    } catch (error) {
      this.refuse(stream, error);
    }
  }

  private refuse(stream: DeviceStream, thrown: unknown): void {
    const error = asRaypherError(thrown);
    if (error.code === 'internal/unexpected') {
      // Not the device's fault (the database is away, most likely): it shall come back.
      this.logger.error(thrown);
      stream.end(overloaded(), UNAVAILABLE_MS + Math.ceil(Math.random() * UNAVAILABLE_MS));
      return;
    }
    stream.end(error);
  }

  /** @param politely the device closed its side: we close ours. */
  private leave(stream: DeviceStream, politely: boolean): void {
    if (!this.streams.delete(stream)) return;
    if (politely && !stream.ended) stream.call.end();
    stream.ended = true;
    const { identity } = stream;
    if (identity === undefined || !this.registry.remove(stream)) return;
    this.presence.disconnected(identity);
    this.facts.disconnected(identity);
  }

  /** One timer for all streams. */
  private tick(): void {
    const now = performance.now();
    const today = Date.now();
    for (const [stream, endedAt] of this.refused) {
      if (now - endedAt < HANG_UP_AFTER_MS) break;
      this.refused.delete(stream);
      const peer = stream.call.getPeer();
      // Unless the same connection carries another stream by now.
      if ([...this.streams].some((other) => other.call.getPeer() === peer)) continue;
      this.listener.peer(peer)?.socket.destroy();
    }
    for (const stream of this.streams) {
      stream.chatter = 0;
      if (stream.connectionsUntil > 0 && stream.connectionsUntil < today) {
        stream.connectionsUntil = 0;
        stream.watchConnections(0);
      }
      if (stream.identity === undefined && now - stream.openedAt > HELLO_WITHIN_MS) {
        stream.end(new RaypherError('link/protocol', 'Nothing was said within ten seconds.'));
      } else if (stream.blockedSince !== undefined && now - stream.blockedSince > BLOCKED_FOR_MS) {
        stream.end(
          new RaypherError('link/overloaded', 'The device does not keep up with what it is sent.'),
          1_000,
        );
      } else if (stream.watchedUntil > 0 && stream.watchedUntil < today) {
        stream.watchedUntil = 0;
        stream.pace(CALM_PACE_MS);
      }
    }
  }
}

function overloaded(): RaypherError {
  return new RaypherError('link/overloaded', 'The control plane cannot take this stream right now.', {
    hint: 'Come back after the time it names.',
  });
}

function stopping(): RaypherError {
  return new RaypherError('link/overloaded', 'The control plane is restarting.');
}
