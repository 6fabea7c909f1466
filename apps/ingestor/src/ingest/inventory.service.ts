import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Inventory } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { type AiAgentRow, InventoryRepository } from './inventory.repository.ts';
import { MAX_AGENTS, toRow } from './inventory-row.ts';

const FLUSH_EVERY_MS = 150;
const RETRY_MS = 2_000;
/** Devices per transaction. */
const MAX_DEVICES = 200;

/** The newest snapshot of each device, written in bulk. One slot per device: a newer one replaces what waits. */
@Injectable()
export class InventoryService implements OnApplicationShutdown {
  private readonly logger = new Logger('Inventory');
  private readonly waiting = new Map<string, { identity: DeviceIdentity; rows: AiAgentRow[] }>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly repository: InventoryRepository,
    private readonly redis: RedisConnections,
  ) {}

  receive(identity: DeviceIdentity, inventory: Inventory): void {
    const now = Date.now();
    const rows = new Map<string, AiAgentRow>();
    for (const agent of inventory.agents.slice(0, MAX_AGENTS)) {
      const row = toRow(identity, agent, now);
      if (row !== undefined) rows.set(row.id, row);
    }
    this.waiting.set(identity.deviceId, { identity, rows: [...rows.values()] });
    this.schedule(FLUSH_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.running;
    await this.flush();
  }

  private schedule(delayMs: number): void {
    this.timer ??= setTimeout(() => {
      this.running = this.flush().finally(() => {
        this.timer = undefined;
        if (this.waiting.size > 0) this.schedule(FLUSH_EVERY_MS);
      });
    }, delayMs);
  }

  private async flush(): Promise<void> {
    const batch = [...this.waiting.values()].slice(0, MAX_DEVICES);
    if (batch.length === 0) return;
    for (const { identity } of batch) this.waiting.delete(identity.deviceId);
    try {
      await this.repository.replace(
        batch.map(({ identity }) => identity.deviceId),
        batch.flatMap(({ rows }) => rows),
      );
      this.announce(batch.map(({ identity }) => identity));
    } catch (error) {
      this.logger.warn(error, 'Inventories could not be written; trying again');
      // A snapshot that came meanwhile is newer and stays.
      for (const entry of batch) {
        if (!this.waiting.has(entry.identity.deviceId)) this.waiting.set(entry.identity.deviceId, entry);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
  }

  private announce(identities: DeviceIdentity[]): void {
    const byOrganisation = Map.groupBy(identities, (identity) => identity.organisationId);
    for (const [organisation, devices] of byOrganisation) {
      const message: LiveMessage = {
        kind: 'inventory',
        organisation,
        deviceIds: devices.map((device) => device.deviceId),
      };
      this.redis.publish(LIVE_CHANNEL, message);
    }
  }
}
