import { Injectable } from '@nestjs/common';
import { WatchConnections } from '@raypher/shared/rest';
import { reachOf } from '../connections/reach.ts';
import { type LiveMessage, NUDGE_CHANNEL, type Nudge } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { ConnectionBook, type ConnectionsPart } from './connection-book.ts';
import type { LiveNamespace, LiveSocket } from './live-server.ts';

/** Devices tell for so long after somebody last said that they watch, milliseconds. */
const LEASE_MS = 15_000;
const RENEW_EVERY_MS = 5_000;
/** The first change goes out at once, what comes within this time after it together. */
const GATHER_MS = 250;
/** A browser changes what it watches at most this often, milliseconds. */
const CHANGE_EVERY_MS = 250;

/** What one browser watches. */
interface View {
  organisation: string;
  part: ConnectionsPart;
  room: string;
}

/** One organisation that somebody watches, or watched a moment ago. */
interface Watched {
  book: ConnectionBook;
  /** The parts that devices were asked for, by name, with the time until which they tell. */
  asked: Map<string, number>;
  /** Milliseconds, monotonic. */
  sentAt: number;
  timer: NodeJS.Timeout | undefined;
}

/** Live connections for the browsers of this process. What they show is asked for, and kept, only while they do. */
@Injectable()
export class LiveConnectionViews {
  private readonly views = new Map<LiveSocket, View>();
  private readonly watched = new Map<string, Watched>();
  private live: LiveNamespace | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly redis: RedisConnections) {}

  start(live: LiveNamespace): void {
    this.live = live;
    this.timer = setInterval(() => this.renew(), RENEW_EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    for (const { timer } of this.watched.values()) clearTimeout(timer);
    this.live = undefined;
  }

  serve(socket: LiveSocket): void {
    let changedAt = Number.NEGATIVE_INFINITY;
    let later: NodeJS.Timeout | undefined;
    const over = (): void => {
      clearTimeout(later);
      this.close(socket);
    };
    socket.on('disconnect', over);
    socket.on('unwatchConnections', over);
    socket.on('watchConnections', (request: unknown) => {
      const parsed = WatchConnections.safeParse(request);
      if (!parsed.success) return;
      clearTimeout(later);
      const waitMs = Math.max(0, changedAt + CHANGE_EVERY_MS - performance.now());
      later = setTimeout(() => {
        changedAt = performance.now();
        if (socket.connected) this.open(socket, parsed.data);
      }, waitMs);
      later.unref();
    });
  }

  take(message: LiveMessage): void {
    const watched = this.watched.get(message.organisation);
    if (watched === undefined) return;
    if (message.kind === 'connections') {
      const now = performance.now();
      for (const device of message.devices) watched.book.take(device, now);
    } else if (message.kind === 'presence') {
      for (const { deviceId, connected } of message.changes)
        if (!connected) watched.book.left(deviceId, performance.now());
    } else {
      return;
    }
    this.soon(message.organisation, watched);
  }

  /** What was said meanwhile was not heard: everything is asked for once more. */
  missed(): void {
    for (const { asked } of this.watched.values()) asked.clear();
    this.renew();
  }

  private open(socket: LiveSocket, { deviceId, agentId }: WatchConnections): void {
    this.close(socket);
    const { organisation, permissions, role, teamId } = socket.data.principal;
    if (!permissions.has('connections:read')) return;
    const reach = reachOf({ role, teamId });
    if (reach === null) {
      // A manager without a team has no devices.
      socket.emit('connections', { snapshot: true, open: [], closed: [], gone: [], total: 0, devices: 0 });
      return;
    }
    const previews = permissions.has('connections:preview');
    const part: ConnectionsPart = { team: reach, device: deviceId, agent: agentId, previews };
    const room = `connections:${organisation.id}:${JSON.stringify([reach, deviceId, agentId, previews])}`;
    this.views.set(socket, { organisation: organisation.id, part, room });
    socket.join(room);
    const watched = this.watched.get(organisation.id) ?? newlyWatched();
    this.watched.set(organisation.id, watched);
    this.ask(organisation.id, watched, part);
    socket.emit('connections', watched.book.snapshot(part));
  }

  private close(socket: LiveSocket): void {
    const view = this.views.get(socket);
    if (view === undefined) return;
    this.views.delete(socket);
    socket.leave(view.room);
  }

  /** Says again that somebody watches; where nobody does any more, devices stop by themselves. */
  private renew(): void {
    const now = performance.now();
    for (const [organisation, watched] of this.watched) {
      for (const view of this.views.values()) {
        if (view.organisation === organisation) this.ask(organisation, watched, view.part);
      }
      for (const [name, until] of watched.asked) if (until < Date.now()) watched.asked.delete(name);
      watched.book.forgetSilent(now);
      if (watched.book.hasChanges) this.soon(organisation, watched);
      if (watched.asked.size > 0) continue;
      clearTimeout(watched.timer);
      this.watched.delete(organisation);
    }
  }

  private ask(organisation: string, watched: Watched, { team, device }: ConnectionsPart): void {
    const name = JSON.stringify([team ?? null, device ?? null]);
    const now = Date.now();
    const told = watched.asked.get(name) ?? 0;
    const known = told > now ? told : undefined;
    // Several browsers watch the same: once is enough.
    if (known !== undefined && known > now + LEASE_MS - RENEW_EVERY_MS / 2) return;
    const until = now + LEASE_MS;
    // What is told of all devices is in the book already.
    const isCovered = [
      [null, null],
      [team ?? null, null],
    ].some((wider) => (watched.asked.get(JSON.stringify(wider)) ?? 0) > now);
    watched.asked.set(name, until);
    const nudge: Nudge = {
      topic: 'connections',
      organisation,
      team: team ?? null,
      device: device ?? null,
      until,
      fresh: known === undefined && !isCovered,
    };
    this.redis.publish(NUDGE_CHANNEL, nudge);
  }

  private soon(organisation: string, watched: Watched): void {
    const waitMs = Math.max(0, watched.sentAt + GATHER_MS - performance.now());
    watched.timer ??= setTimeout(() => this.send(organisation, watched), waitMs);
    watched.timer.unref();
  }

  private send(organisation: string, watched: Watched): void {
    watched.timer = undefined;
    watched.sentAt = performance.now();
    const rooms = new Map<string, ConnectionsPart>();
    for (const view of this.views.values()) {
      if (view.organisation === organisation) rooms.set(view.room, view.part);
    }
    for (const [room, part] of rooms) {
      this.live?.local.to(room).emit('connections', watched.book.changes(part));
    }
    watched.book.settle();
  }
}

function newlyWatched(): Watched {
  return {
    book: new ConnectionBook(),
    asked: new Map(),
    sentAt: Number.NEGATIVE_INFINITY,
    timer: undefined,
  };
}
