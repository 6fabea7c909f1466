import { Injectable } from '@nestjs/common';
import { type FreezePayload, FreezeSelector, RaypherError } from '@raypher/shared';
import type { CreateFreeze, Freeze, Rollout, ThawFreeze } from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { OutboxRelay } from '../outbox/outbox-relay.service.ts';
import { RolloutsService } from '../rollouts/rollouts.service.ts';
import { StateBundlesRepository } from '../rollouts/state-bundles.repository.ts';
import { StateIssuer } from '../rollouts/state-issuer.service.ts';
import { requireConfirmation } from '../tenancy/confirmation.ts';
import { TeamsRepository } from '../tenancy/teams.repository.ts';
import { describeFor, showFreeze } from './freeze.view.ts';
import { requireMayFreeze, requireMayThaw } from './freeze-authority.ts';
import { FreezesRepository } from './freezes.repository.ts';

/** What one bundle can carry. */
const MOST_ACTIVE = 1_000;
const FreezeKey = z.tuple([z.boolean(), z.iso.datetime(), z.uuid()]);

@Injectable()
export class FreezesService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly freezes: FreezesRepository,
    private readonly teams: TeamsRepository,
    private readonly bundles: StateBundlesRepository,
    private readonly issuer: StateIssuer,
    private readonly rollouts: RolloutsService,
    private readonly audit: AuditRepository,
    private readonly relay: OutboxRelay,
    private readonly changes: LiveChanges,
  ) {}

  async list(organisationId: string, query: { cursor?: string | undefined; limit: number }) {
    const key = query.cursor === undefined ? undefined : decodeCursor(FreezeKey, query.cursor);
    const before = key === undefined ? undefined : { isActive: key[0], createdAt: key[1], id: key[2] };
    const rows = await this.freezes.page(organisationId, before, query.limit);
    const names = await this.database.within(organisationId, (tx) => this.teams.names(tx));
    return toPage(
      rows,
      query.limit,
      (row) => showFreeze(row, names),
      (row) => [row.thawedAt === null, row.createdAt.toISOString(), row.id],
    );
  }

  async create(caller: Principal, input: CreateFreeze): Promise<{ freeze: Freeze; rollout: Rollout }> {
    requireMayFreeze(caller, input.selector);
    if (input.selector.kind === 'all') requireConfirmation(caller, input.confirm);
    const organisationId = caller.organisation.id;
    const done = await this.database.within(organisationId, async (tx) => {
      const newest = await this.bundles.lockLine(tx, organisationId, 'freeze');
      const names = await this.teams.names(tx);
      if (input.selector.kind === 'team' && !names.has(input.selector.team)) {
        throw new RaypherError('request/invalid', 'There is no such team in this organisation.');
      }
      if ((await this.freezes.active(tx)).length >= MOST_ACTIVE) {
        throw new RaypherError('request/conflict', `There are ${MOST_ACTIVE} freezes in force already.`, {
          hint: 'Thaw those that are not needed, or freeze everything.',
        });
      }
      const { selector, reason } = input;
      const id = await this.freezes.insert(tx, organisationId, {
        selector,
        reason,
        createdBy: labelOf(caller),
      });
      const title = `Freeze ${describeFor(selector, names)}`;
      const rolloutId = await this.issue(tx, caller, newest + 1, title, reason);
      await this.freezes.carry(tx, id, rolloutId);
      await this.audit.record(tx, organisationId, caller, {
        action: 'freeze.create',
        target: describeFor(selector, names),
        reason,
        before: null,
        after: { id, selector },
      });
      return { id, rolloutId };
    });
    return this.finish(organisationId, done);
  }

  async thaw(
    caller: Principal,
    id: string,
    input: ThawFreeze,
  ): Promise<{ freeze: Freeze; rollout: Rollout }> {
    const organisationId = caller.organisation.id;
    const done = await this.database.within(organisationId, async (tx) => {
      const newest = await this.bundles.lockLine(tx, organisationId, 'freeze');
      const freeze = await this.freezes.find(tx, id);
      if (freeze === null) throw new RaypherError('request/not-found', 'There is no such freeze.');
      const selector = FreezeSelector.parse(freeze.selector);
      requireMayThaw(caller, { selector, createdBy: freeze.createdBy });
      if (freeze.thawedAt !== null) {
        throw new RaypherError('request/conflict', 'This freeze was thawed already.');
      }
      await this.freezes.thaw(tx, id, { thawedBy: labelOf(caller), thawReason: input.reason });
      const names = await this.teams.names(tx);
      const title = `Thaw ${describeFor(selector, names)}`;
      const rolloutId = await this.issue(tx, caller, newest + 1, title, input.reason);
      await this.freezes.carry(tx, id, rolloutId);
      await this.audit.record(tx, organisationId, caller, {
        action: 'freeze.thaw',
        target: describeFor(selector, names),
        reason: input.reason,
        before: { id, selector, inForce: true },
        after: { id, selector, inForce: false },
      });
      return { id, rolloutId };
    });
    return this.finish(organisationId, done);
  }

  /** Sends the freezes in force again as a new revision: audiences have changed, the freezes have not. */
  async reissue(tx: TenantTransaction, caller: Principal, reason: string): Promise<void> {
    const newest = await this.bundles.lockLine(tx, caller.organisation.id, 'freeze');
    if (newest === 0) return;
    const revision = newest + 1;
    await this.issue(tx, caller, revision, 'Freezes in force', reason);
    await this.audit.record(tx, caller.organisation.id, caller, {
      action: 'freeze.reissue',
      target: `revision ${revision}`,
      reason,
      before: { revision: newest },
      after: { revision },
    });
  }

  private async finish(organisationId: string, done: { id: string; rolloutId: string }) {
    this.relay.look();
    this.changes.announce(organisationId, 'freezes', 'audit');
    const rollout = await this.rollouts.get(organisationId, done.rolloutId);
    const freeze = await this.database.within(organisationId, async (tx) => {
      const row = await this.freezes.find(tx, done.id);
      if (row === null) throw new RaypherError('request/not-found', 'There is no such freeze.');
      return showFreeze(row, await this.teams.names(tx));
    });
    return { freeze, rollout };
  }

  /**
   * Signs the whole set of freezes in force. A device does not know its team, so each team with a freeze of
   * its own is an audience; devices of other teams never see that freeze.
   */
  private async issue(
    tx: TenantTransaction,
    caller: Principal,
    revision: number,
    title: string,
    reason: string,
  ): Promise<string> {
    const organisation = caller.organisation.id;
    const inForce = (await this.freezes.active(tx)).map((row) => ({
      id: row.id,
      selector: FreezeSelector.parse(row.selector),
      reason: row.reason,
      by: row.createdBy.slice(0, 200),
      since: row.createdAt.toISOString(),
    }));
    const teams = new Set(
      inForce.flatMap(({ selector }) => (selector.kind === 'team' ? [selector.team] : [])),
    );
    const issuedAt = new Date().toISOString();
    const payload = (team: string | null): FreezePayload => ({
      kind: 'freeze',
      organisation,
      revision,
      issuedAt,
      freezes: inForce.filter(({ selector }) => selector.kind !== 'team' || selector.team === team),
    });
    const { rolloutId } = await this.issuer.issue(tx, organisation, {
      title,
      reason,
      createdBy: labelOf(caller),
      audiences: [null, ...teams].map((teamId) => ({ teamId, payload: payload(teamId) })),
    });
    return rolloutId;
  }
}
