import { Injectable, Logger } from '@nestjs/common';
import { AlertsRepository, showAlert } from '../alerts/alerts.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { OverviewService } from '../overview/overview.service.ts';
import { LIVE_CHANNEL, type LiveMessage, parseLiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { RolloutsService } from '../rollouts/rollouts.service.ts';
import { LiveBatch } from './live-batch.ts';
import { LiveConnectionViews } from './live-connections.service.ts';
import type { LiveNamespace } from './live-server.ts';
import { roomOf } from './rooms.ts';

/** Between two messages to the browsers of an organisation, milliseconds; the first after a pause goes at once. */
const GATHER_MS = 75;
/** The overview is pushed at most this often per organisation, milliseconds. */
const OVERVIEW_EVERY_MS = 1_000;

/**
 * From the link's announcements to the browsers of this process. Every api process hears every
 * announcement, so each serves only its own sockets (`local`).
 */
@Injectable()
export class LiveFeed {
  private readonly logger = new Logger('Live');
  private readonly batches = new Map<string, LiveBatch>();
  private readonly outdated = new Set<string>();
  private live: LiveNamespace | undefined;
  private overviews: NodeJS.Timeout | undefined;
  private flushing: NodeJS.Timeout | undefined;
  /** Milliseconds, monotonic. */
  private flushedAt = Number.NEGATIVE_INFINITY;
  private isFlushing = false;
  private isPushing = false;

  constructor(
    private readonly redis: RedisConnections,
    private readonly rollouts: RolloutsService,
    private readonly alerts: AlertsRepository,
    private readonly overview: OverviewService,
    private readonly database: TenantDatabase,
    private readonly connections: LiveConnectionViews,
  ) {}

  start(live: LiveNamespace): void {
    this.live = live;
    const subscriber = this.redis.connect('live');
    subscriber.on('message', (_channel, text) => {
      const message = parseLiveMessage(text);
      if (message !== undefined) this.take(message);
    });
    let subscriptions = 0;
    subscriber.on('ready', () => {
      subscriptions += 1;
      if (subscriptions > 1) this.connections.missed();
    });
    this.connections.start(live);
    subscriber.subscribe(LIVE_CHANNEL).catch((error: unknown) => {
      this.logger.warn(`Live views are behind: ${String(error)}`);
    });
    this.overviews = setInterval(() => void this.pushOverviews(), OVERVIEW_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.overviews);
    clearTimeout(this.flushing);
    this.connections.stop();
    this.live = undefined;
  }

  /** The overview of this organisation has changed. */
  touch(organisationId: string): void {
    this.outdated.add(organisationId);
  }

  private take(message: LiveMessage): void {
    this.connections.take(message);
    if (message.kind === 'connections') return;
    // Nobody here looks: nothing to gather.
    if (!this.isWatched(message.organisation)) return;
    const batch = this.batches.get(message.organisation) ?? new LiveBatch();
    this.batches.set(message.organisation, batch);
    batch.add(message);
    this.touch(message.organisation);
    this.flushSoon();
  }

  private flushSoon(): void {
    const waitMs = Math.max(0, this.flushedAt + GATHER_MS - performance.now());
    this.flushing ??= setTimeout(() => {
      this.flushing = undefined;
      void this.flush();
    }, waitMs).unref();
  }

  private isWatched(organisationId: string): boolean {
    // Every role has overview:read.
    return this.live?.adapter.rooms.has(roomOf(organisationId, 'overview:read')) ?? false;
  }

  private async flush(): Promise<void> {
    if (this.isFlushing || this.live === undefined) return;
    this.isFlushing = true;
    this.flushedAt = performance.now();
    try {
      const batches = [...this.batches];
      this.batches.clear();
      for (const [organisationId, batch] of batches) await this.emit(this.live, organisationId, batch);
    } catch (error) {
      this.logger.warn(`A live batch was lost: ${String(error)}`);
    } finally {
      this.isFlushing = false;
      if (this.batches.size > 0) this.flushSoon();
    }
  }

  private async emit(live: LiveNamespace, organisationId: string, batch: LiveBatch): Promise<void> {
    const { local } = live;
    if (batch.events.length > 0 || batch.held > 0) {
      const { events: items, held } = batch;
      local.to(roomOf(organisationId, 'events:read')).emit('events', { items, held });
    }
    if (batch.presence.size > 0) {
      live.local.to(roomOf(organisationId, 'devices:read')).emit('presence', [...batch.presence.values()]);
    }
    if (batch.inventory.size > 0) {
      live.local
        .to(roomOf(organisationId, 'agents:read'))
        .emit('inventory', { deviceIds: [...batch.inventory] });
    }
    if (batch.approvalIds.size > 0) {
      live.local
        .to(roomOf(organisationId, 'approvals:read'))
        .emit('approval', { approvalIds: [...batch.approvalIds] });
    }
    if (batch.commands) {
      live.local.to(roomOf(organisationId, 'devices:read')).emit('changed', { object: 'commands' });
    }
    if (batch.incidents) {
      live.local.to(roomOf(organisationId, 'incidents:read')).emit('changed', { object: 'incidents' });
    }
    if (batch.spend) {
      live.local.to(roomOf(organisationId, 'spend:read')).emit('changed', { object: 'spend' });
    }
    if (batch.rolloutIds.size > 0) {
      for (const rollout of await this.rollouts.find(organisationId, [...batch.rolloutIds])) {
        live.local.to(roomOf(organisationId, 'policies:read')).emit('rollout', rollout);
      }
    }
    for (const id of batch.alertIds) {
      const row = await this.database.within(organisationId, (tx) => this.alerts.find(tx, id));
      if (row !== undefined)
        live.local.to(roomOf(organisationId, 'alerts:read')).emit('alert', showAlert(row));
    }
  }

  private async pushOverviews(): Promise<void> {
    if (this.isPushing || this.live === undefined) return;
    this.isPushing = true;
    try {
      const outdated = [...this.outdated];
      this.outdated.clear();
      for (const organisationId of outdated) {
        if (!this.isWatched(organisationId)) continue;
        const overview = await this.overview.read(organisationId);
        this.live?.local.to(roomOf(organisationId, 'overview:read')).emit('overview', overview);
      }
    } catch (error) {
      this.logger.warn(`The overview could not be read: ${String(error)}`);
    } finally {
      this.isPushing = false;
    }
  }
}
