import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { Device, DeviceDetail, DeviceQuery, RevokeDevice, UpdateDevice } from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { DeviceHistoryRepository } from '../enrollment/device-history.repository.ts';
import { DeviceStandingService } from '../enrollment/device-standing.service.ts';
import { FreezesService } from '../freeze/freezes.service.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { OutboxRelay } from '../outbox/outbox-relay.service.ts';
import { PoliciesService } from '../policies/policies.service.ts';
import { StateBundlesRepository } from '../rollouts/state-bundles.repository.ts';
import { TeamsRepository } from '../tenancy/teams.repository.ts';
import { type DeviceRow, showDevice } from './device.row.ts';
import { showTpm, showVaultKey } from './device-identity.view.ts';
import { DevicesRepository } from './devices.repository.ts';
import { PresenceReader } from './presence.reader.ts';

const DeviceKey = z.tuple([z.string(), z.uuid()]);

@Injectable()
export class DevicesService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly devices: DevicesRepository,
    private readonly presence: PresenceReader,
    private readonly teams: TeamsRepository,
    private readonly bundles: StateBundlesRepository,
    private readonly policies: PoliciesService,
    private readonly freezes: FreezesService,
    private readonly audit: AuditRepository,
    private readonly history: DeviceHistoryRepository,
    private readonly standing: DeviceStandingService,
    private readonly relay: OutboxRelay,
    private readonly changes: LiveChanges,
  ) {}

  async list(
    organisationId: string,
    query: z.infer<typeof DeviceQuery>,
  ): Promise<{ items: Device[]; next: string | null; total: number }> {
    const presence = await this.presence.connected(organisationId);
    const key = query.cursor === undefined ? undefined : decodeCursor(DeviceKey, query.cursor);
    const { rows, total } = await this.devices.list(
      organisationId,
      { search: query.search, state: query.state, team: query.team, connected: [...presence.keys()] },
      key === undefined ? undefined : { hostname: key[0], id: key[1] },
      query.limit,
    );
    const page = toPage(
      rows,
      query.limit,
      (row) => showDevice(row, presence.get(row.id)),
      (row) => [row.hostname, row.id],
    );
    return { ...page, total };
  }

  async get(organisationId: string, deviceId: string): Promise<DeviceDetail> {
    const found = await this.devices.detail(organisationId, deviceId);
    if (found === undefined) throw noSuchDevice();
    const presence = await this.presence.connected(organisationId);
    return {
      ...showDevice(found.row, presence.get(deviceId)),
      certificates: found.certificates.map((certificate) => ({
        fingerprint: Buffer.from(certificate.fingerprint).toString('hex'),
        serial: certificate.serial,
        notBefore: certificate.notBefore.toISOString(),
        notAfter: certificate.notAfter.toISOString(),
        revokedAt: certificate.revokedAt?.toISOString() ?? null,
      })),
      ledger: {
        seq: Number(found.chain?.lastSeq ?? 0n),
        hash: found.chain === null ? '' : Buffer.from(found.chain.lastHash).toString('hex'),
      },
      tpm: showTpm(found.identity),
      history: found.history,
      vaultKey: showVaultKey(found.identity),
    };
  }

  async update(caller: Principal, deviceId: string, input: UpdateDevice): Promise<DeviceDetail> {
    const organisationId = caller.organisation.id;
    await this.database.within(organisationId, async (tx) => {
      const row = await this.requireDevice(tx, deviceId);
      const teamId = input.teamId === undefined ? row.teamId : input.teamId;
      if (teamId !== null && !(await this.teams.names(tx)).has(teamId)) {
        throw new RaypherError('request/invalid', 'There is no such team in this organisation.');
      }
      const label = input.label === undefined ? row.label : input.label;
      await this.devices.update(tx, deviceId, { label, teamId });
      await this.audit.record(tx, organisationId, caller, {
        action: 'device.update',
        target: row.hostname,
        reason: input.reason,
        before: { label: row.label, teamId: row.teamId },
        after: { label, teamId },
      });
      if (teamId !== row.teamId) await this.moveAudience(tx, caller, row, teamId);
    });
    this.relay.look();
    this.changes.announce(organisationId, 'devices', 'audit');
    return this.get(organisationId, deviceId);
  }

  /**
   * A device that changes teams may belong to another audience. Revisions only ever rise, so a device
   * accepts different content only under a new number: what is in force is issued again.
   */
  private async moveAudience(
    tx: TenantTransaction,
    caller: Principal,
    row: DeviceRow,
    teamId: string | null,
  ) {
    const reason = `${row.hostname} moved to another team.`;
    const policyAudiences = await this.bundles.teamsOfNewest(tx, 'policy');
    if (concerns(policyAudiences, row.teamId, teamId)) {
      await this.policies.reissue(tx, caller.organisation.id, caller, labelOf(caller), reason);
    }
    const freezeAudiences = await this.bundles.teamsOfNewest(tx, 'freeze');
    if (concerns(freezeAudiences, row.teamId, teamId)) await this.freezes.reissue(tx, caller, reason);
  }

  /** Ends a device's identity: its certificates, its stream, its place in rollouts. There is no way back but enrolling again. */
  async revoke(caller: Principal, deviceId: string, input: RevokeDevice): Promise<DeviceDetail> {
    const organisationId = caller.organisation.id;
    const closed = await this.database.within(organisationId, async (tx) => {
      const row = await this.requireDevice(tx, deviceId);
      if (row.status === 'revoked')
        throw new RaypherError('request/conflict', 'This device was revoked already.');
      await this.devices.revoke(tx, deviceId, input.reason);
      await this.history.add(tx, organisationId, deviceId, {
        kind: 'revoked',
        detail: input.reason,
        by: labelOf(caller),
      });
      await this.standing.changed(tx, organisationId, deviceId);
      await this.audit.record(tx, organisationId, caller, {
        action: 'device.revoke',
        target: row.hostname,
        reason: input.reason,
        before: { id: deviceId, status: row.status },
        after: { id: deviceId, status: 'revoked' },
      });
      return this.standing.settle(tx, deviceId, labelOf(caller));
    });
    this.standing.announce(organisationId, closed);
    return this.get(organisationId, deviceId);
  }

  async exists(tx: TenantTransaction, deviceId: string): Promise<boolean> {
    return (await this.devices.find(tx, deviceId)) !== undefined;
  }

  /** @throws RaypherError `request/not-found` */
  async requireDevice(tx: TenantTransaction, deviceId: string): Promise<DeviceRow> {
    const row = await this.devices.find(tx, deviceId);
    if (row === undefined) throw noSuchDevice();
    return row;
  }
}

/** Whether some team has a bundle of its own: one that was founded since may have to get one too. */
function concerns(audiences: ReadonlySet<string | null>, from: string | null, to: string | null): boolean {
  return from !== to && [...audiences].some((team) => team !== null);
}

function noSuchDevice(): RaypherError {
  return new RaypherError('request/not-found', 'There is no such device.');
}
