import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { LIVE_CHANNEL, type LiveEvent, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import type { EventRow } from './ledger.repository.ts';
import { plainText } from './plain-text.ts';
import { isModelCall } from './spend-rows.ts';

/** Browsers see at most this many rows of one organisation per message; the rest is counted. */
const MAX_ITEMS = 200;
const PUBLISH_EVERY_MS = 50;

/** Tells the REST side what was committed, for the live views. Lost messages lose nothing but liveliness. */
@Injectable()
export class LiveEventsService implements OnApplicationShutdown {
  private waiting = new Map<string, { items: LiveEvent[]; held: number; spent: boolean }>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly redis: RedisConnections) {}

  add(identity: DeviceIdentity, rows: readonly EventRow[], receivedAt: Date): void {
    if (!this.redis.isReady) return;
    let batch = this.waiting.get(identity.organisationId);
    if (batch === undefined) {
      batch = { items: [], held: 0, spent: false };
      this.waiting.set(identity.organisationId, batch);
    }
    for (const row of rows) {
      if (batch.items.length < MAX_ITEMS) batch.items.push(toLiveEvent(identity, row, receivedAt));
      else batch.held += 1;
    }
    batch.spent ||= rows.some(({ entry }) => isModelCall(entry));
    this.timer ??= setTimeout(() => this.publish(), PUBLISH_EVERY_MS);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  private publish(): void {
    this.timer = undefined;
    const batches = this.waiting;
    this.waiting = new Map();
    for (const [organisation, { items, held, spent }] of batches) {
      const message: LiveMessage = { kind: 'events', organisation, items, held };
      this.redis.publish(LIVE_CHANNEL, message);
      if (!spent) continue;
      const spending: LiveMessage = { kind: 'spend', organisation };
      this.redis.publish(LIVE_CHANNEL, spending);
    }
  }
}

function toLiveEvent(identity: DeviceIdentity, { entry, position }: EventRow, receivedAt: Date): LiveEvent {
  const { actor, verdict } = entry;
  return {
    position,
    deviceId: identity.deviceId,
    hostname: identity.hostname,
    seq: entry.seq,
    occurredAt: new Date(entry.at).toISOString(),
    receivedAt: receivedAt.toISOString(),
    type: entry.type,
    severity: entry.severity,
    actor: { kind: actor.kind, id: plainText(actor.id, 128), name: plainText(actor.name, 256) },
    action: plainText(entry.action, 128),
    target: plainText(entry.target, 2048),
    outcome: verdict?.outcome ?? null,
    mode: verdict?.mode ?? null,
    rule: verdict === undefined ? null : plainText(verdict.rule, 128),
    policyRevision: verdict?.revision ?? null,
  };
}
