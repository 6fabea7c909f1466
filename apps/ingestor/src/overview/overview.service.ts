import { Injectable } from '@nestjs/common';
import type { Overview } from '@raypher/shared/rest';
import { PresenceReader } from '../fleet/presence.reader.ts';
import { OverviewRepository } from './overview.repository.ts';
import { policyMode } from './policy-mode.ts';
import { VerdictMinutes } from './verdict-minutes.service.ts';

@Injectable()
export class OverviewService {
  /** Parsing every document once a second would be waste; a revision never changes. */
  private readonly modes = new Map<string, { revision: bigint; mode: Overview['policy']['mode'] }>();

  constructor(
    private readonly repository: OverviewRepository,
    private readonly verdicts: VerdictMinutes,
    private readonly presence: PresenceReader,
  ) {}

  async read(organisationId: string): Promise<Overview> {
    const presence = await this.presence.connected(organisationId);
    const [data, verdicts] = await Promise.all([
      this.repository.read(organisationId, [...presence.keys()]),
      this.verdicts.lastHour(organisationId),
    ]);
    const { counts, posture, policy } = data;
    return {
      at: new Date().toISOString(),
      devices: {
        total: Number(counts.total),
        connected: Number(counts.connected),
        silent: Number(counts.silent),
        revoked: Number(counts.revoked),
      },
      aiAgents: {
        total: Number(counts.agents),
        running: Number(counts.running),
        frozen: Number(counts.frozen),
        newToday: Number(counts.newToday),
      },
      posture: posture.map((row) => ({
        capability: row.capability,
        enforced: Number(row.enforced),
        observing: Number(row.observing),
        unavailable: Number(row.unavailable),
        reason: row.reason ?? '',
      })),
      verdicts,
      policy: {
        revision: Number(policy?.revision ?? 0n),
        mode: policy === undefined ? 'none' : this.modeOf(organisationId, policy.revision, policy.documents),
        appliedBy: Number(policy?.appliedBy ?? 0n),
      },
      freezes: { active: Number(counts.freezes) },
      alerts: { open: Number(counts.openAlerts), critical: Number(counts.criticalAlerts) },
      approvals: { pending: Number(counts.pendingApprovals) },
      connections: [...presence.values()].reduce((sum, { connections }) => sum + connections, 0),
    };
  }

  private modeOf(organisationId: string, revision: bigint, documents: unknown): Overview['policy']['mode'] {
    const known = this.modes.get(organisationId);
    if (known?.revision === revision) return known.mode;
    const mode = policyMode(documents);
    this.modes.set(organisationId, { revision, mode });
    return mode;
  }
}
