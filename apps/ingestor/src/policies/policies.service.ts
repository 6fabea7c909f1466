import { Injectable } from '@nestjs/common';
import { namesTeams, parsePolicy } from '@raypher/policy';
import type { LayerDocument, PolicyPayload } from '@raypher/shared';
import { RaypherError } from '@raypher/shared';
import {
  type ApplyPolicy,
  type DeployPolicy,
  PolicyDocuments,
  type PolicyRevision,
  type PolicySource,
  type PolicyStage,
  type PromoteStage,
  type RollbackPolicy,
  type Rollout,
  type RunningPolicy,
  type WithdrawStage,
} from '@raypher/shared/rest';
import { type Actor, AuditRepository, SYSTEM } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { ForensicKeysRepository } from '../forensics/forensic-keys.repository.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { OutboxRelay } from '../outbox/outbox-relay.service.ts';
import { RolloutsService } from '../rollouts/rollouts.service.ts';
import { readStage, stageInWords } from '../rollouts/stage-membership.ts';
import { StateBundlesRepository } from '../rollouts/state-bundles.repository.ts';
import { StateIssuer } from '../rollouts/state-issuer.service.ts';
import { PricesRepository } from '../spend/prices.repository.ts';
import { requireConfirmation } from '../tenancy/confirmation.ts';
import { PoliciesRepository } from './policies.repository.ts';
import { requireDeployable } from './policy-check.ts';
import { driftOf, isSamePolicy, readSource, showRevision } from './policy-revision.view.ts';
import { requireTestsPass } from './policy-tests.ts';

interface Issue {
  documents: PolicyDocuments;
  tests: PolicyDocuments;
  source: PolicySource | null;
  /** Some devices first. */
  stage: PolicyStage | null;
  reason: string;
  createdBy: string;
  actor: Actor;
  action:
    | 'policy.deploy'
    | 'policy.rollback'
    | 'policy.reissue'
    | 'policy.apply'
    | 'policy.stage'
    | 'policy.promote'
    | 'policy.withdraw';
  rolledBackTo: number | null;
  /** Why it is deployed although tests fail. */
  overrideTests?: string | undefined;
}

@Injectable()
export class PoliciesService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly policies: PoliciesRepository,
    private readonly prices: PricesRepository,
    private readonly forensics: ForensicKeysRepository,
    private readonly bundles: StateBundlesRepository,
    private readonly issuer: StateIssuer,
    private readonly rollouts: RolloutsService,
    private readonly audit: AuditRepository,
    private readonly relay: OutboxRelay,
    private readonly changes: LiveChanges,
  ) {}

  /**
   * @throws RaypherError `policy/stale-revision` when somebody deployed since the editor was opened,
   * `policy/stage-open` while some devices have a revision that nobody has decided about,
   * `policy/tests-failed` when tests fail and no reason is given to deploy all the same.
   */
  async deploy(caller: Principal, input: DeployPolicy): Promise<Rollout> {
    requireConfirmation(caller, input.confirm);
    requireDeployable(input.documents);
    return this.change(caller, async (tx, newest) => {
      await this.refuseWhileStaged(tx);
      if (newest !== input.basedOn) throw staleRevision(input.basedOn, newest);
      const running = await this.policies.running(tx);
      const tests = input.tests ?? (running === null ? [] : PolicyDocuments.parse(running.tests));
      const failures = requireTestsPass(input.documents, tests, input.overrideTests !== undefined);
      return {
        documents: input.documents,
        tests,
        source: null,
        stage: input.stage ?? null,
        reason: input.reason,
        createdBy: labelOf(caller),
        actor: caller,
        action: input.stage === undefined ? 'policy.deploy' : 'policy.stage',
        rolledBackTo: null,
        overrideTests: failures.length === 0 ? undefined : input.overrideTests,
      };
    });
  }

  /** A new revision with the documents and tests of an old one, for everybody. A stage that is open ends with it. */
  async rollback(caller: Principal, input: RollbackPolicy): Promise<Rollout> {
    requireConfirmation(caller, input.confirm);
    return this.change(caller, async (tx) => {
      const old = await this.policies.find(tx, input.revision);
      if (old === null) throw noSuchRevision();
      const documents = PolicyDocuments.parse(old.documents);
      // An old document may have been written for an older engine. Its tests are not asked: undoing must work.
      requireDeployable(documents);
      return {
        documents,
        tests: PolicyDocuments.parse(old.tests),
        source: null,
        stage: null,
        reason: input.reason,
        createdBy: labelOf(caller),
        actor: caller,
        action: 'policy.rollback',
        rolledBackTo: input.revision,
      };
    });
  }

  /** What a repository holds becomes the running policy, unless it is that already. */
  async apply(
    caller: Principal,
    input: ApplyPolicy,
  ): Promise<{ revision: number; rolloutId: string | null }> {
    if (caller.kind === 'user') requireConfirmation(caller, input.confirm ?? '');
    requireDeployable(input.documents);
    requireTestsPass(input.documents, input.tests, false);
    const organisationId = caller.organisation.id;
    const applied = await this.database.within(organisationId, async (tx) => {
      const newest = await this.bundles.lockLine(tx, organisationId, 'policy');
      await this.refuseWhileStaged(tx);
      const running = await this.policies.running(tx);
      if (running !== null && running.source !== null && isSamePolicy(running, input)) {
        return { revision: Number(running.revision), rolloutId: null };
      }
      const { documents, tests, source, reason } = input;
      const rolloutId = await this.issue(tx, organisationId, newest, {
        documents,
        tests,
        source,
        stage: null,
        reason,
        createdBy: labelOf(caller),
        actor: caller,
        action: 'policy.apply',
        rolledBackTo: null,
      });
      return { revision: newest + 1, rolloutId };
    });
    if (applied.rolloutId !== null) this.announce(organisationId);
    return applied;
  }

  /** To more devices, or to everybody. */
  async promote(caller: Principal, input: PromoteStage): Promise<Rollout> {
    requireConfirmation(caller, input.confirm);
    return this.change(caller, async (tx) => {
      const open = await this.requireOpen(tx, input.revision);
      return {
        documents: PolicyDocuments.parse(open.documents),
        tests: PolicyDocuments.parse(open.tests),
        source: readSource(open.source),
        stage: input.stage ?? null,
        reason: input.reason,
        createdBy: labelOf(caller),
        actor: caller,
        action: 'policy.promote',
        rolledBackTo: null,
      };
    });
  }

  /** Those who have the staged revision go back to what everybody else runs. */
  async withdraw(caller: Principal, input: WithdrawStage): Promise<Rollout> {
    return this.change(caller, async (tx) => {
      await this.requireOpen(tx, input.revision);
      return this.withdrawal(tx, { reason: input.reason, createdBy: labelOf(caller), actor: caller });
    });
  }

  /**
   * The same without a person.
   *
   * @returns false when the stage was decided about meanwhile.
   */
  async halt(organisationId: string, revision: number, reason: string): Promise<boolean> {
    const isHalted = await this.database.within(organisationId, async (tx) => {
      const newest = await this.bundles.lockLine(tx, organisationId, 'policy');
      if (newest !== revision || (await this.policies.open(tx)) === null) return false;
      const issue = await this.withdrawal(tx, { reason, createdBy: 'Raypher', actor: SYSTEM });
      await this.issue(tx, organisationId, newest, issue);
      return true;
    });
    if (isHalted) this.announce(organisationId);
    return isHalted;
  }

  private async withdrawal(
    tx: TenantTransaction,
    by: Pick<Issue, 'reason' | 'createdBy' | 'actor'>,
  ): Promise<Issue> {
    const running = await this.policies.running(tx);
    if (running === null) throw noSuchRevision();
    return {
      documents: PolicyDocuments.parse(running.documents),
      tests: PolicyDocuments.parse(running.tests),
      source: readSource(running.source),
      stage: null,
      ...by,
      action: 'policy.withdraw',
      rolledBackTo: Number(running.revision),
    };
  }

  private async refuseWhileStaged(tx: TenantTransaction): Promise<void> {
    const open = await this.policies.open(tx);
    if (open === null) return;
    throw new RaypherError(
      'policy/stage-open',
      `Revision ${open.revision} is on some devices only, and nobody has decided about the others.`,
      { hint: 'Promote or withdraw it first.', details: { revision: Number(open.revision) } },
    );
  }

  private async requireOpen(tx: TenantTransaction, revision: number) {
    const open = await this.policies.open(tx);
    if (open !== null && Number(open.revision) === revision) return open;
    throw new RaypherError(
      'policy/no-stage',
      `Revision ${revision} is not on its way to some devices only.`,
      {
        hint: 'Look at what runs now: somebody may have promoted or withdrawn it.',
      },
    );
  }

  private async change(
    caller: Principal,
    decide: (tx: TenantTransaction, newest: number) => Promise<Issue>,
  ): Promise<Rollout> {
    const organisationId = caller.organisation.id;
    const rolloutId = await this.database.within(organisationId, async (tx) => {
      const newest = await this.bundles.lockLine(tx, organisationId, 'policy');
      return this.issue(tx, organisationId, newest, await decide(tx, newest));
    });
    this.announce(organisationId);
    return this.rollouts.get(organisationId, rolloutId);
  }

  private announce(organisationId: string): void {
    this.relay.look();
    this.changes.announce(organisationId, 'policies', 'audit');
  }

  /**
   * Sends the running documents again as a new revision: audiences have changed, the policy has not. While some
   * devices have a revision of their own, that one is sent again too, after what everybody else gets.
   */
  async reissue(
    tx: TenantTransaction,
    organisationId: string,
    actor: Actor,
    createdBy: string,
    reason: string,
  ) {
    const newest = await this.bundles.lockLine(tx, organisationId, 'policy');
    const open = await this.policies.open(tx);
    const rows = [await this.policies.running(tx), open].filter((row) => row !== null);
    for (const [index, row] of rows.entries()) {
      await this.issue(tx, organisationId, newest + index, {
        documents: PolicyDocuments.parse(row.documents),
        tests: PolicyDocuments.parse(row.tests),
        source: readSource(row.source),
        stage: readStage(row.stage),
        reason,
        createdBy,
        actor,
        action: 'policy.reissue',
        rolledBackTo: null,
      });
    }
  }

  /** The first revision of a new organisation. */
  async found(tx: TenantTransaction, organisationId: string, actor: Actor, source: string): Promise<void> {
    await this.issue(tx, organisationId, 0, {
      documents: [{ layer: 'global', source }],
      tests: [],
      source: null,
      stage: null,
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
    newest: number,
    issue: Issue,
  ): Promise<string> {
    const { documents, tests, source, stage, reason, createdBy, rolledBackTo } = issue;
    const teams = documents.flatMap((document) => (document.team === undefined ? [] : [document.team]));
    const named = [...tests.flatMap(({ team }) => team ?? []), ...teamsOf(stage)];
    const [unknown] = await this.policies.unknownTeams(tx, [...teams, ...named]);
    if (unknown !== undefined) {
      throw new RaypherError('request/invalid', `There is no team ${unknown} in this organisation.`);
    }
    if (stage !== null && (await this.policies.devicesIn(tx, stage)) === 0) {
      throw new RaypherError('request/invalid', `The stage (${stageInWords(stage)}) has no active device.`, {
        hint: 'Choose a larger share, or name devices.',
      });
    }
    const revision = newest + 1;
    const before = await this.policies.running(tx);
    if (stage !== null && before === null) throw noSuchRevision();
    await this.policies.insert(tx, organisationId, {
      revision,
      documents,
      tests,
      source,
      stage,
      reason,
      createdBy,
      rolledBackTo,
    });
    const issuedAt = new Date().toISOString();
    const own = await this.prices.find(tx);
    const forensics = await this.forensics.recipient(tx);
    // Where a document depends on teams, every device is told which one it is in.
    const told = documents.some(isAboutTeams) ? await this.policies.teams(tx) : [];
    const payload = (forTeam: string | null): PolicyPayload => ({
      kind: 'policy',
      organisation: organisationId,
      revision,
      issuedAt,
      documents: documents.filter(({ layer, team }) => layer === 'global' || team === forTeam),
      ...(own === null ? {} : { prices: own.prices }),
      ...(forensics === null ? {} : { forensics }),
      ...teamOf(told, forTeam),
    });
    const audiences = new Set<string | null>([null, ...teams, ...told.map(({ id }) => id)]);
    const { rolloutId } = await this.issuer.issue(tx, organisationId, {
      title: titleOf(revision, issue),
      reason,
      createdBy,
      staging: stage === null || before === null ? null : { stage, base: Number(before.revision) },
      audiences: [...audiences].map((teamId) => ({ teamId, payload: payload(teamId) })),
    });
    await this.audit.record(tx, organisationId, issue.actor, {
      action: issue.action,
      target: `revision ${revision}`,
      reason,
      before:
        before === null
          ? null
          : { revision: Number(before.revision), documents: before.documents, tests: before.tests },
      after: {
        revision,
        documents,
        tests,
        ...(rolledBackTo === null ? {} : { rolledBackTo }),
        ...(stage === null ? {} : { stage }),
        ...(source === null ? {} : { source }),
        ...(issue.overrideTests === undefined ? {} : { overrideTests: issue.overrideTests }),
      },
    });
    return rolloutId;
  }

  async running(organisationId: string): Promise<RunningPolicy> {
    return this.database.within(organisationId, async (tx) => {
      const row = await this.policies.running(tx);
      if (row === null) throw noSuchRevision();
      const open = await this.policies.open(tx);
      const rolloutId = open === null ? undefined : await this.policies.rolloutOf(tx, open.revision);
      const digests = await this.policies.digests(tx, [row.revision, open?.revision ?? row.revision]);
      return {
        ...showRevision(row, digests, row.revision),
        drift: driftOf(row, await this.policies.applied(tx)),
        open:
          open === null || rolloutId === undefined
            ? null
            : { revision: showRevision(open, digests, row.revision), rolloutId },
      };
    });
  }

  /** Who has a staged revision, and the rollout that brings it; null when nobody has. */
  openStage(
    organisationId: string,
  ): Promise<{ revision: number; stage: PolicyStage; rolloutId: string } | null> {
    return this.database.within(organisationId, async (tx) => {
      const open = await this.policies.open(tx);
      const stage = readStage(open?.stage);
      if (open === null || stage === null) return null;
      const rolloutId = await this.policies.rolloutOf(tx, open.revision);
      return rolloutId === undefined ? null : { revision: Number(open.revision), stage, rolloutId };
    });
  }

  async revision(organisationId: string, revision: number): Promise<PolicyRevision> {
    return this.database.within(organisationId, async (tx) => {
      const row = await this.policies.find(tx, revision);
      const running = await this.policies.running(tx);
      if (row === null || running === null) throw noSuchRevision();
      return showRevision(row, await this.policies.digests(tx, [row.revision]), running.revision);
    });
  }
}

function teamsOf(stage: PolicyStage | null): string[] {
  return stage?.selector.kind === 'teams' ? stage.selector.teams : [];
}

function titleOf(revision: number, { stage, rolledBackTo }: Issue): string {
  if (stage !== null) return `Policy revision ${revision}, ${stageInWords(stage)} first`;
  return rolledBackTo === null
    ? `Policy revision ${revision}`
    : `Policy revision ${revision}, back to ${rolledBackTo}`;
}

function isAboutTeams({ layer, source }: LayerDocument): boolean {
  const parsed = parsePolicy(source, { layer });
  return parsed.ok && namesTeams(parsed.document);
}

function teamOf(
  named: readonly { id: string; name: string }[],
  id: string | null,
): Pick<PolicyPayload, 'team'> {
  const team = named.find((one) => one.id === id);
  return team === undefined ? {} : { team: { id: team.id, name: team.name } };
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
