import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { LINK_CONFIG } from '../config/config.module.ts';
import type { LinkConfig } from '../config/config.ts';
import { DeviceDirectoryRepository } from '../link/device-directory.repository.ts';
import { DeviceDirectory, expired, notAdmitted } from '../link/device-directory.service.ts';
import { StreamRegistry } from '../link/stream-registry.ts';
import { BundleCache } from './bundle-cache.service.ts';
import { CommandsService } from './commands.service.ts';
import { DeliveryService } from './delivery.service.ts';
import { StateBundlesRepository } from './state-bundles.repository.ts';

/** Devices per query. */
const SLICE = 5_000;

/**
 * Compares, every now and then, what every connected device should have with what it has. Nudges are for
 * speed; this is the guarantee.
 */
@Injectable()
export class SweepService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Sweep');
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(
    @Inject(LINK_CONFIG) private readonly config: LinkConfig,
    private readonly registry: StreamRegistry,
    private readonly bundles: BundleCache,
    private readonly repository: StateBundlesRepository,
    private readonly devices: DeviceDirectoryRepository,
    private readonly directory: DeviceDirectory,
    private readonly delivery: DeliveryService,
    private readonly commands: CommandsService,
  ) {}

  onModuleInit(): void {
    this.scheduleNext();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Sweeps now; a call during a sweep makes another one follow it. */
  async run(): Promise<void> {
    if (this.stopped) return;
    if (this.running !== undefined) {
      this.again = true;
      return this.running;
    }
    this.running = this.sweepUntilQuiet().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** Ends the streams of devices that may not be connected any more; takes up changed teams. */
  async checkStanding(organisationId: string, deviceIds: string[]): Promise<void> {
    const standings = await this.devices.standings(organisationId, deviceIds);
    const known = new Map(standings.map((standing) => [standing.deviceId, standing]));
    for (const deviceId of deviceIds) {
      const stream = this.registry.find(deviceId);
      if (stream?.identity === undefined || stream.identity.organisationId !== organisationId) continue;
      const standing = known.get(deviceId);
      if (standing?.status !== 'active') {
        this.directory.forget(deviceId);
        stream.end(notAdmitted(standing?.status ?? 'revoked'));
      } else if (standing.teamId !== stream.identity.teamId) {
        stream.identity.teamId = standing.teamId;
      }
    }
  }

  private scheduleNext(): void {
    // Jitter keeps many processes from asking the database in step.
    const delay = this.config.sweepMs * (0.8 + Math.random() * 0.4);
    this.timer = setTimeout(
      () => void this.run().finally(() => this.stopped || this.scheduleNext()),
      delay,
    ).unref();
  }

  private async sweepUntilQuiet(): Promise<void> {
    do {
      this.again = false;
      try {
        await this.sweep();
      } catch (error) {
        this.logger.warn(error, 'A sweep failed; the next one tries again');
      }
    } while (this.again && !this.stopped);
  }

  private async sweep(): Promise<void> {
    const organisations = [...this.registry.organisations()];
    if (organisations.length === 0) return;
    for (const { organisationId, kind, revision } of await this.repository.revisions(organisations)) {
      await this.bundles.atLeast(organisationId, kind, BigInt(revision));
    }
    for (const organisationId of organisations) await this.sweepOrganisation(organisationId);
  }

  private async sweepOrganisation(organisationId: string): Promise<void> {
    const streams = [...this.registry.inOrganisation(organisationId)];
    const deviceIds: string[] = [];
    const now = Date.now();
    for (const stream of streams) {
      if (stream.identity === undefined) continue;
      if (stream.identity.certificateEndsAt <= now) stream.end(expired(), 0);
      else deviceIds.push(stream.identity.deviceId);
    }
    for (let start = 0; start < deviceIds.length; start += SLICE) {
      const slice = deviceIds.slice(start, start + SLICE);
      await this.checkStanding(organisationId, slice);
      await this.commands.deliver(organisationId, slice);
    }
    await this.delivery.broadcast(organisationId, await this.bundles.get(organisationId));
  }
}
