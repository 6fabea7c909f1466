import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { RaypherError } from '@raypher/shared';
import type { Server } from 'socket.io';
import { AuthenticationService } from '../auth/authentication.service.ts';
import type { Principal } from '../auth/principal.ts';
import { isSameOrigin } from '../auth/same-origin.ts';
import { SignInEvents } from '../auth/sign-in.events.ts';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { LiveChanges } from './live-changes.ts';
import { LiveConnectionViews } from './live-connections.service.ts';
import { LiveFeed } from './live-feed.service.ts';
import { limitLive, requireRoomFor } from './live-limits.ts';
import { type LiveNamespace, type LiveSocket, openLiveServer } from './live-server.ts';
import { LiveWatch } from './live-watch.service.ts';
import { personRoom, READS, roomOf, sessionRoom, userRoom } from './rooms.ts';

/** How often every open socket must prove again that its session or token is good, milliseconds. */
const PROVE_EVERY_MS = 60_000;

/** Lets browsers in, puts them into the rooms of what they may see, and shows them out. */
@Injectable()
export class LiveGateway implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Live');
  private server: Server | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly redis: RedisConnections,
    private readonly authentication: AuthenticationService,
    private readonly signInEvents: SignInEvents,
    private readonly changes: LiveChanges,
    private readonly feed: LiveFeed,
    private readonly watch: LiveWatch,
    private readonly connections: LiveConnectionViews,
    @Inject(API_CONFIG) private readonly config: ApiConfig,
  ) {}

  onApplicationBootstrap(): void {
    const redis = this.redis.connect('socket.io', { commandTimeout: 5_000 });
    const { server, live } = openLiveServer(this.host.httpAdapter.getHttpServer(), redis);
    this.server = server;
    limitLive(server, live);
    live.use((socket, next) => {
      this.admit(socket).then(
        () => next(),
        (error: unknown) => next(refusal(error)),
      );
    });
    live.on('connection', (socket) => this.welcome(socket));
    this.signInEvents.on('ended', ({ id }) => this.showOut(live, sessionRoom(id)));
    this.signInEvents.on('changed', ({ userId }) => this.showOut(live, userRoom(userId)));
    this.changes.on('changed', (organisationId, objects) => {
      for (const object of objects) {
        // While Redis is away the other processes cannot be told; our own browsers can.
        const reach = redis.status === 'ready' ? live : live.local;
        reach.to(roomOf(organisationId, READS[object])).emit('changed', { object });
      }
      this.feed.touch(organisationId);
    });
    this.changes.on('alert', (organisationId, alert) => {
      live.local.to(roomOf(organisationId, 'alerts:read')).emit('alert', alert);
      this.feed.touch(organisationId);
    });
    this.feed.start(live);
    this.timer = setInterval(() => void this.proveAll(live), PROVE_EVERY_MS);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.feed.stop();
    await this.server?.close();
  }

  private async admit(socket: LiveSocket): Promise<void> {
    const { headers, address } = socket.handshake;
    const principal = await this.authentication.authenticate(headers, address);
    if (principal.kind === 'user' && !isSameOrigin(headers, this.config.webOrigin)) {
      throw new RaypherError('auth/forbidden', 'This connection does not come from the console.');
    }
    socket.data.principal = principal;
    requireRoomFor(socket);
  }

  private welcome(socket: LiveSocket): void {
    const { principal } = socket.data;
    const rooms = [...principal.permissions].map((permission) =>
      roomOf(principal.organisation.id, permission),
    );
    rooms.push(personRoom(principal));
    if (principal.sessionId !== null) rooms.push(sessionRoom(principal.sessionId));
    socket.join(rooms);
    this.watch.serve(socket);
    this.connections.serve(socket);
    this.feed.touch(principal.organisation.id);
    // Whoever was shown out while this one was on its way in was not in those rooms yet.
    void this.prove(socket);
  }

  private showOut(live: LiveNamespace, room: string): void {
    // Here first: the others may be out of reach, and that must not keep anybody in.
    live.local.in(room).disconnectSockets(true);
    live.in(room).disconnectSockets(true);
  }

  /** Sessions and tokens expire, and another process may have ended them while Redis was away. */
  private async proveAll(live: LiveNamespace): Promise<void> {
    for (const socket of live.sockets.values()) await this.prove(socket);
  }

  private async prove(socket: LiveSocket): Promise<void> {
    try {
      const { headers, address } = socket.handshake;
      const now = await this.authentication.authenticate(headers, address);
      if (!hasSameRights(now, socket.data.principal)) socket.disconnect(true);
    } catch (error) {
      if (error instanceof RaypherError) socket.disconnect(true);
      else this.logger.warn(`A live session could not be checked: ${String(error)}`);
    }
  }
}

function hasSameRights(one: Principal, other: Principal): boolean {
  return (
    one.organisation.id === other.organisation.id &&
    one.role === other.role &&
    one.teamId === other.teamId &&
    one.permissions.size === other.permissions.size &&
    [...one.permissions].every((permission) => other.permissions.has(permission))
  );
}

/** socket.io sends `message` and `data` of the error to the client. */
function refusal(error: unknown): Error {
  const known =
    error instanceof RaypherError
      ? error
      : new RaypherError('internal/unexpected', 'The live connection could not be opened.', { cause: error });
  return Object.assign(new Error(known.message), { data: known.toBody().error });
}
