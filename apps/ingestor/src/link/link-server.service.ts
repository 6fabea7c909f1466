import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { LINK_CONFIG } from '../config/config.module.ts';
import type { LinkConfig } from '../config/config.ts';
import { asRaypherError } from '../errors/http-error.filter.ts';
import { IngestService } from '../ingest/ingest.service.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { DeviceFactsService } from '../presence/device-facts.service.ts';
import { PresenceService } from '../presence/presence.service.ts';
import { Admission } from './admission.ts';
import { AgentMessagesService } from './agent-messages.service.ts';
import { provenCertificate } from './device-directory.service.ts';
import { DeviceStream } from './device-stream.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { HttpTransport } from './http-transport.ts';
import type { Line } from './line.ts';
import { LinkListener } from './link-listener.ts';
import { OpeningService } from './opening.service.ts';
import { StreamRegistry } from './stream-registry.ts';
import { type Inbound, MALFORMED } from './wire.ts';

const HELLO_WITHIN_MS = 10_000;
/** How long a slow database may take to say who somebody is. */
const OPENED_WITHIN_MS = 30_000;
/** A device that takes nothing for so long is cut off; it gets everything anew when it comes back. */
const BLOCKED_FOR_MS = 60_000;
const HANG_UP_AFTER_MS = 5_000;
const CALM_PACE_MS = 30_000;
/** Devices sent away at shutdown come back within this time, spread; within more where there are very many. */
const RETURN_WITHIN_MS = 5_000;
/** A database that does not answer does not keep us: what is not acknowledged is sent again. */
const DRAIN_WITHIN_MS = 5_000;
const DELIVERED_WITHIN_MS = 1_000;
/** While the database is away devices are asked to come back after about this long. */
const UNAVAILABLE_MS = 5_000;

/** The link, whatever carries it: streams in and out of the registry. What they carry is other classes' business. */
@Injectable()
export class LinkServer implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Link');
  private readonly admission: Admission;
  private readonly admissionsPerSecond: number;
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
  private readonly grpc: GrpcTransport;
  private readonly http: HttpTransport;
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
    private readonly ingest: IngestService,
    private readonly metrics: MetricsService,
  ) {
    this.admissionsPerSecond = config.admissionsPerSecond;
    this.admission = new Admission(config.admissionsPerSecond);
    this.grpc = new GrpcTransport(listener, (line) => this.accept(line));
    this.http = new HttpTransport((line) => this.accept(line));
  }

  /** @returns the port. */
  async listen(): Promise<number> {
    const port = await this.listener.listen((socket, peer) => {
      // Whoever names no protocol speaks HTTP/1.1, as everywhere.
      if (socket.alpnProtocol === 'h2') this.grpc.take(socket);
      else this.http.take(socket, peer);
    });
    this.timer = setInterval(() => this.tick(), 1_000).unref();
    this.logger.log(`The link listens on port ${port}`);
    return port;
  }

  /**
   * What was received is committed and acknowledged; then everybody is sent away with a time to come back, spread over
   * as long as another process needs to let them in.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    // From here on we are not ready, and nobody new comes in.
    this.listener.stopAccepting();
    for (const stream of this.streams) stream.line.pause();
    await withinTime(this.ingest.drain(), DRAIN_WITHIN_MS);
    const spreadMs = Math.max(RETURN_WITHIN_MS, (1_000 * this.streams.size) / this.admissionsPerSecond);
    for (const stream of [...this.streams]) stream.end(stopping(), Math.ceil(Math.random() * spreadMs));
    // Whoever takes what it was sent hears why; the others are not waited for.
    this.grpc.drain(DELIVERED_WITHIN_MS);
    this.http.drain();
    await this.listener.untilEmpty(DELIVERED_WITHIN_MS);
    this.grpc.stop();
    this.http.stop();
  }

  private accept(line: Line): void {
    const stream = new DeviceStream(line, this.left);
    line.onClosed(() => this.refused.delete(stream));
    const refusal = refusalOf(line);
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
    line.listen({
      received: (message) => this.receive(stream, message),
      drained: () => stream.caughtUp(),
      left: (politely) => this.leave(stream, politely),
    });
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
      // What came in one piece with it is read although we pause: each Hello would ask the database anew.
      if (stream.greeted) throw new RaypherError('link/protocol', 'Hello comes once, at the beginning.');
      // Nothing more is read until this device is known.
      stream.greeted = true;
      stream.line.pause();
      void this.open(stream, body.value);
    } catch (error) {
      this.refuse(stream, error);
    }
  }

  private async open(stream: DeviceStream, hello: Parameters<OpeningService['open']>[2]): Promise<void> {
    try {
      const peer = stream.line.peer();
      if (peer === undefined) throw gone();
      await this.opening.open(stream, peer, hello);
      stream.line.resume();
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
    if (politely && !stream.ended) stream.line.finish();
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
    this.http.tick(now);
    for (const [stream, endedAt] of this.refused) {
      if (now - endedAt < HANG_UP_AFTER_MS) break;
      this.refused.delete(stream);
      const { connection } = stream.line;
      // Unless the same connection carries another stream by now.
      if ([...this.streams].some((other) => other.line.connection === connection)) continue;
      stream.line.hangUp();
    }
    for (const stream of this.streams) {
      stream.chatter = 0;
      if (stream.connectionsUntil > 0 && stream.connectionsUntil < today) {
        stream.connectionsUntil = 0;
        stream.watchConnections(0);
      }
      if (!stream.greeted && now - stream.openedAt > HELLO_WITHIN_MS) {
        stream.end(new RaypherError('link/protocol', 'Nothing was said within ten seconds.'));
      } else if (stream.identity === undefined && now - stream.openedAt > OPENED_WITHIN_MS) {
        stream.end(overloaded(), UNAVAILABLE_MS);
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

/** What can be said about a connection without asking the database. */
function refusalOf(line: Line): RaypherError | undefined {
  const peer = line.peer();
  if (peer === undefined) return gone();
  try {
    provenCertificate(peer);
    return undefined;
  } catch (error) {
    return asRaypherError(error);
  }
}

function gone(): RaypherError {
  return new RaypherError('link/unreachable', 'The connection is gone.');
}

function overloaded(): RaypherError {
  return new RaypherError('link/overloaded', 'The control plane cannot take this stream right now.', {
    hint: 'Come back after the time it names.',
  });
}

function stopping(): RaypherError {
  return new RaypherError('link/overloaded', 'The control plane is restarting.');
}

async function withinTime(work: Promise<void>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
