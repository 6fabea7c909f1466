import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Inventory, RaypherError } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { type AiAgentRow, InventoryRepository } from './inventory.repository.ts';
import { MAX_AGENTS, toRow } from './inventory-row.ts';

const FLUSH_EVERY_MS = 150;
const RETRY_MS = 2_000;
/** Devices per transaction. */
const MAX_DEVICES = 200;
/** Characters of JSON in one transaction, and of all that waits: a device may report a few million of them. */
const MAX_BATCH = 16 * 1024 * 1024;
const MOST_WAITING = 64 * 1024 * 1024;

interface Snapshot {
  identity: DeviceIdentity;
  rows: AiAgentRow[];
  /** Characters of JSON. */
  size: number;
}

/** The newest snapshot of each device, written in bulk. One slot per device: a newer one replaces what waits. */
@Injectable()
export class InventoryService implements OnApplicationShutdown {
  private readonly logger = new Logger('Inventory');
  private readonly waiting = new Map<string, Snapshot>();
  private waitingSize = 0;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly repository: InventoryRepository,
    private readonly redis: RedisConnections,
  ) {}

  /** @throws RaypherError `link/overloaded` when too much waits already. */
  receive(identity: DeviceIdentity, inventory: Inventory): void {
    const now = Date.now();
    const rows = new Map<string, AiAgentRow>();
    for (const agent of inventory.agents.slice(0, MAX_AGENTS)) {
      const row = toRow(identity, agent, now);
      if (row !== undefined) rows.set(row.id, row);
    }
    const snapshot = { identity, rows: [...rows.values()], size: 0 };
    snapshot.size = JSON.stringify(snapshot.rows).length;
    const before = this.waiting.get(identity.deviceId)?.size ?? 0;
    if (this.waitingSize - before + snapshot.size > MOST_WAITING) {
      throw new RaypherError('link/overloaded', 'More inventories arrive than can be stored.');
    }
    this.put(snapshot);
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
    const batch = this.takeBatch();
    if (batch.length === 0) return;
    try {
      await this.repository.replace(
        batch.map(({ identity }) => identity.deviceId),
        batch.flatMap(({ rows }) => rows),
      );
      this.announce(batch.map(({ identity }) => identity));
    } catch (error) {
      this.logger.warn(error, 'Inventories could not be written; trying again');
      // A snapshot that came meanwhile is newer and stays.
      for (const snapshot of batch) {
        if (!this.waiting.has(snapshot.identity.deviceId)) this.put(snapshot);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
  }

  private put(snapshot: Snapshot): void {
    const { deviceId } = snapshot.identity;
    this.waitingSize += snapshot.size - (this.waiting.get(deviceId)?.size ?? 0);
    this.waiting.set(deviceId, snapshot);
  }

  private takeBatch(): Snapshot[] {
    const batch: Snapshot[] = [];
    let size = 0;
    for (const snapshot of this.waiting.values()) {
      if (batch.length > 0 && (batch.length === MAX_DEVICES || size + snapshot.size > MAX_BATCH)) break;
      batch.push(snapshot);
      size += snapshot.size;
    }
    for (const { identity } of batch) this.waiting.delete(identity.deviceId);
    this.waitingSize -= size;
    return batch;
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
