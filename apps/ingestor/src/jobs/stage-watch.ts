import { Injectable } from '@nestjs/common';
import { AlertsRepository, showAlert } from '../alerts/alerts.repository.ts';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { PoliciesService } from '../policies/policies.service.ts';
import { RolloutsService } from '../rollouts/rollouts.service.ts';

/** Withdraws a staged revision that too many of its devices refuse, before it reaches the others. */
@Injectable()
export class StageWatch {
  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly database: TenantDatabase,
    private readonly policies: PoliciesService,
    private readonly rollouts: RolloutsService,
    private readonly alerts: AlertsRepository,
    private readonly changes: LiveChanges,
  ) {}

  /** @returns how many stages were withdrawn. */
  async run(): Promise<number> {
    let halted = 0;
    for (const organisationId of await this.crossTenant.organisationIds()) {
      if (await this.watch(organisationId)) halted += 1;
    }
    return halted;
  }

  private async watch(organisationId: string): Promise<boolean> {
    const open = await this.policies.openStage(organisationId);
    if (open === null) return false;
    const { revision, stage, rolloutId } = open;
    const { counts, devices } = await this.rollouts.get(organisationId, rolloutId);
    const { rejected = 0 } = counts;
    if (rejected === 0 || rejected * 100 < stage.haltAtPercent * devices) return false;
    const reason = `${rejected} of ${devices} devices refused revision ${revision}: withdrawn at ${stage.haltAtPercent} %.`;
    if (!(await this.policies.halt(organisationId, revision, reason))) return false;
    const alert = await this.database.within(organisationId, async (tx) => {
      const id = await this.alerts.raiseOnce(tx, organisationId, {
        kind: 'policy.stage-halted',
        subject: `revision ${revision}`,
        severity: 'critical',
        title: `Policy revision ${revision} was withdrawn: ${rejected} of ${devices} devices refused it`,
        detail: { revision, rejected, devices, rolloutId },
        deviceId: null,
      });
      return id === undefined ? undefined : this.alerts.find(tx, id);
    });
    if (alert !== undefined) this.changes.emit('alert', organisationId, showAlert(alert));
    return true;
  }
}
