import { setImmediate } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { CheckpointSigningService } from './checkpoint-signing.service.ts';
import { LedgerAlarm } from './ledger-alarm.service.ts';
import { LogFault } from './log-fault.ts';
import { LogGrowthService } from './log-growth.service.ts';

const EVERY_MS = 1_000;
/** An organisation whose log cannot grow or be signed is tried again after this long. */
const PAUSE_MS = 30_000;

/** About every second: gives what waits its place in its organisation's log, and signs logs that have grown. */
@Injectable()
export class LogWriter implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('LogWriter');
  private readonly pausedUntil = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  private failing = false;

  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly growth: LogGrowthService,
    private readonly signing: CheckpointSigningService,
    private readonly alarm: LedgerAlarm,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.round(), EVERY_MS);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  /** One round over everybody; a round that runs already is waited for instead. */
  round(): Promise<void> {
    this.running ??= this.writeAll()
      .then(() => {
        this.failing = false;
      })
      .catch((error: unknown) => {
        // One line per outage; the timer tries again, and nothing is lost: what waits is durable.
        if (!this.failing) this.logger.warn(`The logs do not grow: ${String(error)}`);
        this.failing = true;
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  private async writeAll(): Promise<void> {
    for (const organisation of await this.crossTenant.waitingForLog())
      await this.attempt(organisation, () => this.grow(organisation));
    for (const organisation of await this.crossTenant.unsignedLogs()) {
      await this.attempt(organisation, () => this.signing.sign(organisation));
    }
  }

  private async grow(organisationId: string): Promise<void> {
    for (;;) {
      const { more } = await this.growth.grow(organisationId);
      if (!more || this.stopped) return;
      await setImmediate();
    }
  }

  /** What goes wrong in one organisation is nobody else's matter. */
  private async attempt(organisationId: string, work: () => Promise<unknown>): Promise<void> {
    if (this.stopped || (this.pausedUntil.get(organisationId) ?? 0) > Date.now()) return;
    try {
      await work();
      this.pausedUntil.delete(organisationId);
    } catch (error) {
      this.pausedUntil.set(organisationId, Date.now() + PAUSE_MS);
      if (error instanceof LogFault) await this.alarm.raise(organisationId, [error.fault]);
      else this.logger.warn(`The log of ${organisationId} does not grow: ${String(error)}`);
    }
  }
}
