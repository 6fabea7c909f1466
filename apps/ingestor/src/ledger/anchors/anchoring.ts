import { Inject, Injectable, Logger } from '@nestjs/common';
import { API_CONFIG } from '../../config/config.module.ts';
import type { ApiConfig } from '../../config/config.ts';
import { CrossTenantRepository } from '../../database/cross-tenant.repository.ts';
import { LedgerAlarm } from '../ledger-alarm.service.ts';
import { LogFault } from '../log-fault.ts';
import { TimeStampingService } from './time-stamping.service.ts';
import { WitnessingService } from './witnessing.service.ts';

/** Takes new checkpoints of every organisation to the witnesses and the authority that the operator named. */
@Injectable()
export class Anchoring {
  private readonly logger = new Logger('Anchoring');
  /** Those that did not answer the last time: said once. */
  private readonly failing = new Set<string>();

  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly crossTenant: CrossTenantRepository,
    private readonly witnessing: WitnessingService,
    private readonly stamping: TimeStampingService,
    private readonly alarm: LedgerAlarm,
  ) {}

  /** @returns how many anchors are new. */
  async run(): Promise<number> {
    const { witnesses = [], timeStampAuthority } = this.config;
    if (witnesses.length === 0 && timeStampAuthority === undefined) return 0;
    let added = 0;
    for (const organisation of await this.crossTenant.organisationIds()) {
      for (const witness of witnesses) {
        added += await this.attempt(organisation, witness.key.name, () =>
          this.witnessing.cosign(organisation, witness),
        );
      }
      if (timeStampAuthority === undefined) continue;
      added += await this.attempt(organisation, timeStampAuthority.url, () =>
        this.stamping.stamp(organisation, timeStampAuthority),
      );
    }
    return added;
  }

  /** Somebody else's service being away is no matter of the record: it is tried again. */
  private async attempt(
    organisation: string,
    who: string,
    work: () => Promise<number | undefined>,
  ): Promise<number> {
    try {
      const size = await work();
      if (size !== undefined) this.failing.delete(who);
      return size === undefined ? 0 : 1;
    } catch (error) {
      if (error instanceof LogFault) await this.alarm.raise(organisation, [error.fault]);
      else if (!this.failing.has(who)) this.logger.warn(`${who} anchors nothing: ${String(error)}`);
      this.failing.add(who);
      return 0;
    }
  }
}
