import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { LiveConnections } from '@raypher/shared';
import type { ConnectionView } from '@raypher/shared/rest';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import type { DeviceStream } from '../link/device-stream.ts';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { readConnection } from './connection-row.ts';

/** The first word of an organisation goes on at once, what comes within this time after it together. */
const GATHER_MS = 100;
/** Rows of one organisation per message; what is beyond is only counted, until it changes again. */
const MOST_ROWS = 2_000;
/** Ended or left out, of one device per message; no agent tells more. */
const MOST_IDS = 5_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Told {
  snapshot: boolean;
  open: Map<string, ConnectionView>;
  closed: Set<string>;
  leftOut: Set<string>;
  total: number;
}

interface Gathered {
  devices: Map<string, Told>;
  rows: number;
  timer: NodeJS.Timeout | undefined;
}

/** Passes on what devices tell of their live connections, and keeps nothing of it. */
@Injectable()
export class ConnectionRelay implements OnApplicationShutdown {
  private readonly organisations = new Map<string, Gathered>();

  constructor(private readonly redis: RedisConnections) {}

  receive(stream: DeviceStream, identity: DeviceIdentity, message: LiveConnections): void {
    // Nobody watches (any more): nobody hears.
    if (stream.connectionsUntil < Date.now() || !this.redis.isReady) return;
    const { organisationId, deviceId } = identity;
    const gathered = this.organisations.get(organisationId) ?? {
      devices: new Map(),
      rows: 0,
      timer: undefined,
    };
    this.organisations.set(organisationId, gathered);
    let told = gathered.devices.get(deviceId);
    if (told === undefined || message.snapshot) {
      gathered.rows -= told?.open.size ?? 0;
      told = { snapshot: message.snapshot, open: new Map(), closed: new Set(), leftOut: new Set(), total: 0 };
      gathered.devices.set(deviceId, told);
    }
    told.total = message.total;
    const now = Date.now();
    for (const one of message.open) {
      const row = readConnection(identity, one, now);
      if (row === undefined) continue;
      if (!told.open.has(row.id)) {
        if (gathered.rows >= MOST_ROWS) continue;
        gathered.rows += 1;
      }
      told.open.set(row.id, row);
      told.leftOut.delete(row.id);
    }
    addIds(told.closed, message.closed);
    addIds(told.leftOut, message.leftOut);
    if (gathered.timer !== undefined) return;
    this.publish(organisationId, gathered);
    gathered.timer = setTimeout(() => this.later(organisationId, gathered), GATHER_MS);
  }

  onApplicationShutdown(): void {
    for (const { timer } of this.organisations.values()) clearTimeout(timer);
    this.organisations.clear();
  }

  private later(organisationId: string, gathered: Gathered): void {
    if (gathered.devices.size === 0) {
      this.organisations.delete(organisationId);
      return;
    }
    this.publish(organisationId, gathered);
    gathered.timer = setTimeout(() => this.later(organisationId, gathered), GATHER_MS);
  }

  private publish(organisation: string, gathered: Gathered): void {
    const devices = [...gathered.devices].map(([deviceId, { snapshot, open, closed, leftOut, total }]) => ({
      deviceId,
      snapshot,
      open: [...open.values()],
      closed: [...closed],
      leftOut: [...leftOut],
      total,
    }));
    gathered.devices.clear();
    gathered.rows = 0;
    const message: LiveMessage = { kind: 'connections', organisation, devices };
    this.redis.publish(LIVE_CHANNEL, message);
  }
}

function addIds(ids: Set<string>, told: readonly string[]): void {
  for (const id of told) if (UUID.test(id) && ids.size < MOST_IDS) ids.add(id);
}
