import { Injectable } from '@nestjs/common';
import type { PolicyPayload } from '@raypher/shared';
import { RaypherError } from '@raypher/shared';
import {
  type DeployPolicy,
  PolicyDocuments,
  type PolicyRevision,
  type RollbackPolicy,
  type Rollout,
} from '@raypher/shared/rest';
import { type Actor, AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { OutboxRelay } from '../outbox/outbox-relay.service.ts';
import { RolloutsService } from '../rollouts/rollouts.service.ts';
import { StateBundlesRepository } from '../rollouts/state-bundles.repository.ts';
import { StateIssuer } from '../rollouts/state-issuer.service.ts';
import { PricesRepository } from '../spend/prices.repository.ts';
import { requireConfirmation } from '../tenancy/confirmation.ts';
import { PoliciesRepository } from './policies.repository.ts';
import { requireDeployable } from './policy-check.ts';
import { showRevision } from './policy-revision.view.ts';

interface Issue {
  documents: PolicyDocuments;
  reason: string;
  createdBy: string;
  actor: Actor;
  action: 'policy.deploy' | 'policy.rollback' | 'policy.reissue';
  rolledBackTo: number | null;
}

@Injectable()
export class PoliciesService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly policies: PoliciesRepository,
    private readonly prices: PricesRepository,
    private readonly bundles: StateBundlesRepository,
    private readonly issuer: StateIssuer,
    private readonly rollouts: RolloutsService,
    private readonly audit: AuditRepository,
    private readonly relay: OutboxRelay,
    private readonly changes: LiveChanges,
  ) {}

  /** @throws RaypherError `policy/stale-revision` when somebody deployed since the editor was opened. */
  async deploy(caller: Principal, input: DeployPolicy): Promise<Rollout> {
    requireConfirmation(caller, input.confirm);
    requireDeployable(input.documents);
    return this.change(caller, async (_tx, running) => {
      if (running !== input.basedOn) throw staleRevision(input.basedOn, running);
      return {
        documents: input.documents,
        reason: input.reason,
        createdBy: labelOf(caller),
        actor: caller,
        action: 'policy.deploy',
        rolledBackTo: null,
      };
    });
  }

  /** A new revision with the documents of an old one. */
  async rollback(caller: Principal, input: RollbackPolicy): Promise<Rollout> {
    requireConfirmation(caller, input.confirm);
    return this.change(caller, async (tx) => {
      const old = await this.policies.find(tx, input.revision);
      if (old === null) throw noSuchRevision();
      const documents = PolicyDocuments.parse(old.documents);
      // An old document may have been written for an older engine.
      requireDeployable(documents);
      return {
        documents,
        reason: input.reason,
        createdBy: labelOf(caller),
        actor: caller,
        action: 'policy.rollback',
        rolledBackTo: input.revision,
      };
    });
  }

  private async change(
    caller: Principal,
    decide: (tx: TenantTransaction, running: number) => Promise<Issue>,
  ): Promise<Rollout> {
    const organisationId = caller.organisation.id;
    const rolloutId = await this.database.within(organisationId, async (tx) => {
      const running = await this.bundles.lockLine(tx, organisationId, 'policy');
      return this.issue(tx, organisationId, running, await decide(tx, running));
    });
    this.relay.look();
    this.changes.announce(organisationId, 'policies', 'audit');
    return this.rollouts.get(organisationId, rolloutId);
  }

  /** Sends the running documents again as a new revision: audiences have changed, the policy has not. */
  async reissue(
    tx: TenantTransaction,
    organisationId: string,
    actor: Actor,
    createdBy: string,
    reason: string,
  ) {
    const running = await this.bundles.lockLine(tx, organisationId, 'policy');
    const row = await this.policies.running(tx);
    if (row === null) return;
    const documents = PolicyDocuments.parse(row.documents);
    const issue: Issue = {
      documents,
      reason,
      createdBy,
      actor,
      action: 'policy.reissue',
      rolledBackTo: null,
    };
    await this.issue(tx, organisationId, running, issue);
  }

  /** The first revision of a new organisation. */
  async found(tx: TenantTransaction, organisationId: string, actor: Actor, source: string): Promise<void> {
    await this.issue(tx, organisationId, 0, {
      documents: [{ layer: 'global', source }],
      reason: 'Starter policy of a new organisation.',
      createdBy: 'Raypher',
      actor,
      action: 'policy.deploy',
      rolledBackTo: null,
    });
  }

  private async issue(
    tx: TenantTransaction,
    organisationId: string,
    running: number,
    issue: Issue,
  ): Promise<string> {
    const { documents, reason, createdBy, rolledBackTo } = issue;
    const teams = documents.flatMap((document) => (document.team === undefined ? [] : [document.team]));
    const [unknown] = await this.policies.unknownTeams(tx, teams);
    if (unknown !== undefined) {
      throw new RaypherError('request/invalid', `There is no team ${unknown} in this organisation.`);
    }
    const revision = running + 1;
    const before = await this.policies.running(tx);
    await this.policies.insert(tx, organisationId, { revision, documents, reason, createdBy, rolledBackTo });
    const issuedAt = new Date().toISOString();
    const own = await this.prices.find(tx);
    const payload = (forTeam: string | null): PolicyPayload => ({
      kind: 'policy',
      organisation: organisationId,
      revision,
      issuedAt,
      documents: documents.filter(({ layer, team }) => layer === 'global' || team === forTeam),
      ...(own === null ? {} : { prices: own.prices }),
    });
    const { rolloutId } = await this.issuer.issue(tx, organisationId, {
      title:
        rolledBackTo === null
          ? `Policy revision ${revision}`
          : `Policy revision ${revision}, back to ${rolledBackTo}`,
      reason,
      createdBy,
      audiences: [null, ...teams].map((teamId) => ({ teamId, payload: payload(teamId) })),
    });
    await this.audit.record(tx, organisationId, issue.actor, {
      action: issue.action,
      target: `revision ${revision}`,
      reason,
      before: before === null ? null : { revision: running, documents: before.documents },
      after: { revision, documents, ...(rolledBackTo === null ? {} : { rolledBackTo }) },
    });
    return rolloutId;
  }

  async running(organisationId: string): Promise<PolicyRevision> {
    return this.database.within(organisationId, async (tx) => {
      const row = await this.policies.running(tx);
      if (row === null) throw noSuchRevision();
      return showRevision(row, await this.policies.digests(tx, [row.revision]), row.revision);
    });
  }

  async revision(organisationId: string, revision: number): Promise<PolicyRevision> {
    return this.database.within(organisationId, async (tx) => {
      const row = await this.policies.find(tx, revision);
      const newest = await this.policies.running(tx);
      if (row === null || newest === null) throw noSuchRevision();
      return showRevision(row, await this.policies.digests(tx, [row.revision]), newest.revision);
    });
  }
}

function noSuchRevision(): RaypherError {
  return new RaypherError('request/not-found', 'There is no such policy revision.');
}

function staleRevision(basedOn: number, running: number): RaypherError {
  return new RaypherError(
    'policy/stale-revision',
    `Revision ${running} was deployed while you were editing revision ${basedOn}.`,
    { hint: 'Compare with the running revision, then deploy again.', details: { basedOn, running } },
  );
}
