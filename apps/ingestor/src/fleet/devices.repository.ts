import { Injectable } from '@nestjs/common';
import type { DeviceQuery, DeviceStatus } from '@raypher/shared/rest';
import type { z } from 'zod';
import { containing } from '../database/like.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { DeviceHistoryRepository } from '../enrollment/device-history.repository.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { DEVICE_COLUMNS, type DeviceRow } from './device.row.ts';

export interface DeviceFilter {
  search?: string | undefined;
  state?: z.infer<typeof DeviceQuery>['state'];
  team?: string | undefined;
  /** Ids that are connected now, for the two states that depend on it. */
  connected: readonly string[];
}

@Injectable()
export class DevicesRepository {
  constructor(
    private readonly database: TenantDatabase,
    private readonly history: DeviceHistoryRepository,
  ) {}

  /** Ordered by host name; one row more than asked for when there is a next page. */
  list(
    organisationId: string,
    filter: DeviceFilter,
    after: { hostname: string; id: string } | undefined,
    limit: number,
  ): Promise<{ rows: DeviceRow[]; total: number }> {
    const matching = matches(filter);
    const paged =
      after === undefined
        ? matching
        : Prisma.sql`${matching} AND (d.hostname, d.id) > (${after.hostname}, ${after.id}::uuid)`;
    return this.database.within(organisationId, async (tx) => {
      const rows = await tx.$queryRaw<DeviceRow[]>`
        SELECT ${DEVICE_COLUMNS} FROM devices d LEFT JOIN teams t ON t.id = d.team_id
        WHERE ${paged} ORDER BY d.hostname, d.id LIMIT ${limit + 1}`;
      const [counted] = await tx.$queryRaw<{ total: bigint }[]>`
        SELECT count(*) AS total FROM devices d WHERE ${matching}`;
      return { rows, total: Number(counted?.total ?? 0) };
    });
  }

  async find(tx: TenantTransaction, deviceId: string): Promise<DeviceRow | undefined> {
    const [row] = await tx.$queryRaw<DeviceRow[]>`
      SELECT ${DEVICE_COLUMNS} FROM devices d LEFT JOIN teams t ON t.id = d.team_id WHERE d.id = ${deviceId}::uuid`;
    return row;
  }

  /** The device with its certificates, the head of its chain, and what its TPM and its vault are known by. */
  detail(organisationId: string, deviceId: string) {
    return this.database.within(organisationId, async (tx) => {
      const row = await this.find(tx, deviceId);
      if (row === undefined) return undefined;
      const certificates = await tx.deviceCertificate.findMany({
        where: { deviceId },
        orderBy: { issuedAt: 'desc' },
        take: 20,
      });
      const chain = await tx.deviceChain.findUnique({ where: { deviceId } });
      const identity = await tx.device.findUniqueOrThrow({ where: { id: deviceId } });
      return { row, certificates, chain, identity, history: await this.history.newest(tx, deviceId) };
    });
  }

  async update(
    tx: TenantTransaction,
    deviceId: string,
    change: { label?: string | null; teamId?: string | null },
  ): Promise<void> {
    await tx.device.updateMany({ where: { id: deviceId }, data: change });
  }

  /** @returns false when the device is not (or no longer) in the state that the decision is about. */
  async decide(
    tx: TenantTransaction,
    deviceId: string,
    decision: {
      from: DeviceStatus;
      to: DeviceStatus;
      pauseReason: string | null;
      pausedAt: Date | null;
      approvedBy?: string;
      approvedAt?: Date;
      tpmCountsForgotten?: boolean;
    },
  ): Promise<boolean> {
    const { from, to, ...change } = decision;
    const { count } = await tx.device.updateMany({
      where: { id: deviceId, status: from },
      data: { ...change, status: to },
    });
    return count === 1;
  }

  /** Ends the device's identity: the row, and every certificate that still runs. */
  async revoke(tx: TenantTransaction, deviceId: string, reason: string): Promise<void> {
    const revokedAt = new Date();
    await tx.device.updateMany({
      where: { id: deviceId, status: { not: 'revoked' } },
      data: { status: 'revoked', revokedAt, revokeReason: reason },
    });
    await tx.deviceCertificate.updateMany({ where: { deviceId, revokedAt: null }, data: { revokedAt } });
  }

  /** Active devices by host name: all, one, or those of a team. */
  active(
    organisationId: string,
    only: { device: string } | { team: string } | undefined,
  ): Promise<{ id: string; hostname: string; simulated: boolean; teamId: string | null }[]> {
    const where = only === undefined ? {} : 'device' in only ? { id: only.device } : { teamId: only.team };
    return this.database.within(organisationId, (tx) =>
      tx.device.findMany({
        where: { ...where, status: 'active' },
        select: { id: true, hostname: true, simulated: true, teamId: true },
        orderBy: { hostname: 'asc' },
      }),
    );
  }
}

function matches(filter: DeviceFilter): Prisma.Sql {
  const conditions = [Prisma.sql`true`];
  if (filter.search !== undefined && filter.search !== '') {
    const pattern = containing(filter.search);
    conditions.push(
      Prisma.sql`(d.hostname ILIKE ${pattern} OR d.label ILIKE ${pattern} OR d.id::text ILIKE ${pattern})`,
    );
  }
  if (filter.team !== undefined) conditions.push(Prisma.sql`d.team_id = ${filter.team}::uuid`);
  const connected = [...filter.connected];
  switch (filter.state) {
    case 'connected':
      conditions.push(Prisma.sql`d.status = 'active' AND d.id = ANY (${connected}::uuid[])`);
      break;
    case 'disconnected':
      conditions.push(Prisma.sql`d.status = 'active' AND d.id <> ALL (${connected}::uuid[])`);
      break;
    case 'pending':
    case 'paused':
    case 'revoked':
      conditions.push(Prisma.sql`d.status = ${filter.state}`);
      break;
    case undefined:
      break;
  }
  return Prisma.join(conditions, ' AND ');
}
