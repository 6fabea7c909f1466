import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { LedgerEntry } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { LIVE_CHANNEL, type LiveEvent, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import type { Commit } from './commit-queue.service.ts';
import { entriesIn } from './placed-batch.ts';
import { plainText } from './plain-text.ts';

/** Browsers see at most this many rows of one organisation per message; the rest is counted. */
const MAX_ITEMS = 100;
/** Between two messages, milliseconds; the first after a pause goes at once. */
const PUBLISH_EVERY_MS = 25;

/** Tells the REST side what was committed, for the live views. Lost messages lose nothing but liveliness. */
@Injectable()
export class LiveEventsService implements OnApplicationShutdown {
  private waiting = new Map<string, { items: LiveEvent[]; held: number; spent: boolean }>();
  private timer: NodeJS.Timeout | undefined;
  /** Milliseconds, monotonic. */
  private publishedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly redis: RedisConnections) {}

  add(identity: DeviceIdentity, { placed, positions, receivedAt }: Commit): void {
    if (!this.redis.isReady) return;
    let batch = this.waiting.get(identity.organisationId);
    if (batch === undefined) {
      batch = { items: [], held: 0, spent: false };
      this.waiting.set(identity.organisationId, batch);
    }
    const shown = Math.min(positions.length, MAX_ITEMS - batch.items.length);
    for (const [row, entry] of entriesIn(placed, shown).entries()) {
      batch.items.push(toLiveEvent(identity, entry, positions[row] ?? '', receivedAt));
    }
    batch.held += positions.length - shown;
    batch.spent ||= placed.job.batch.spend.length > 0;
    const waitMs = Math.max(0, this.publishedAt + PUBLISH_EVERY_MS - performance.now());
    this.timer ??= setTimeout(() => this.publish(), waitMs);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  private publish(): void {
    this.timer = undefined;
    this.publishedAt = performance.now();
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

function toLiveEvent(
  identity: DeviceIdentity,
  entry: LedgerEntry,
  position: string,
  receivedAt: Date,
): LiveEvent {
  const { actor, verdict } = entry;
  return {
    position,
    deviceId: identity.deviceId,
    hostname: identity.hostname,
    simulated: identity.simulated,
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
