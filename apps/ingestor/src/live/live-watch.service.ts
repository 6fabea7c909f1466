import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { TenantDatabase } from '../database/tenant-database.ts';
import { DevicesService } from '../fleet/devices.service.ts';
import { NUDGE_CHANNEL, type Nudge } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import type { LiveSocket } from './live-server.ts';

/** A device reports often for so long after somebody last said that they watch it, milliseconds. */
const LEASE_MS = 30_000;
const RENEW_EVERY_MS = 15_000;
/** Devices that one browser tab watches at a time. */
const MOST_WATCHED = 4;

const WatchRequest = z.strictObject({ deviceId: z.uuid() });

/** While a device page is open its agent reports every few seconds. */
@Injectable()
export class LiveWatch {
  private readonly logger = new Logger('Live');

  constructor(
    private readonly redis: RedisConnections,
    private readonly database: TenantDatabase,
    private readonly devices: DevicesService,
  ) {}

  serve(socket: LiveSocket): void {
    const watched = new Set<string>();
    /** The database is asked whose they are; they count already, and whoever looks away again is heard. */
    const asking = new Set<string>();
    const timer = setInterval(() => {
      for (const deviceId of watched) this.nudge(socket, deviceId);
    }, RENEW_EVERY_MS);
    timer.unref();
    socket.on('disconnect', () => clearInterval(timer));
    socket.on('unwatch', (request: unknown) => {
      const parsed = WatchRequest.safeParse(request);
      if (!parsed.success) return;
      asking.delete(parsed.data.deviceId);
      watched.delete(parsed.data.deviceId);
    });
    socket.on('watch', (request: unknown) => {
      const parsed = WatchRequest.safeParse(request);
      if (!parsed.success || watched.size + asking.size >= MOST_WATCHED) return;
      const { deviceId } = parsed.data;
      asking.add(deviceId);
      this.isOurs(socket, deviceId).then(
        (isOurs) => {
          if (!asking.delete(deviceId) || !isOurs || !socket.connected) return;
          watched.add(deviceId);
          this.nudge(socket, deviceId);
        },
        (error: unknown) => {
          asking.delete(deviceId);
          this.logger.warn(`A device cannot be watched: ${String(error)}`);
        },
      );
    });
  }

  private async isOurs(socket: LiveSocket, deviceId: string): Promise<boolean> {
    const { organisation, permissions } = socket.data.principal;
    if (!permissions.has('devices:read')) return false;
    return this.database.within(organisation.id, (tx) => this.devices.exists(tx, deviceId));
  }

  private nudge(socket: LiveSocket, device: string): void {
    const organisation = socket.data.principal.organisation.id;
    const nudge: Nudge = { topic: 'watch', organisation, device, until: Date.now() + LEASE_MS };
    this.redis.publish(NUDGE_CHANNEL, nudge);
  }
}
