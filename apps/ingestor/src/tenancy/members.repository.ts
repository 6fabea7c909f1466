import { Injectable } from '@nestjs/common';
import { type Member, type Permission, Role } from '@raypher/shared/rest';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { Member as MemberRow } from '../generated/prisma/client.ts';

export interface NewMember {
  userId: string;
  name: string;
  email: string;
  role: Role;
  teamId: string | null;
}

@Injectable()
export class MembersRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** By e-mail address. */
  page(organisationId: string, after: string | undefined, limit: number): Promise<MemberRow[]> {
    return this.database.within(organisationId, (tx) =>
      tx.member.findMany({
        ...(after === undefined ? {} : { where: { email: { gt: after } } }),
        orderBy: { email: 'asc' },
        take: limit + 1,
      }),
    );
  }

  find(tx: TenantTransaction, userId: string): Promise<MemberRow | null> {
    return tx.member.findFirst({ where: { userId } });
  }

  insert(tx: TenantTransaction, organisationId: string, member: NewMember): Promise<MemberRow> {
    return tx.member.create({ data: { ...member, organisationId } });
  }

  async update(
    tx: TenantTransaction,
    organisationId: string,
    userId: string,
    change: { role?: Role; teamId?: string | null; disabledAt?: Date | null },
  ): Promise<MemberRow> {
    return tx.member.update({ where: { organisationId_userId: { organisationId, userId } }, data: change });
  }

  /**
   * Revokes API tokens that a member made and that can do more than the member may now.
   *
   * @param createdBy the member as `createdBy` columns name people.
   * @returns the names of the revoked ones.
   */
  async revokeTokensBeyond(
    tx: TenantTransaction,
    createdBy: string,
    permissions: readonly Permission[],
  ): Promise<string[]> {
    const allowed = [...permissions];
    const rows = await tx.$queryRaw<{ name: string }[]>`
      UPDATE api_tokens SET revoked_at = now()
      WHERE created_by = ${createdBy} AND revoked_at IS NULL AND NOT scopes <@ ${allowed}::text[] RETURNING name`;
    return rows.map((row) => row.name);
  }

  /**
   * Everybody who can still administer the organisation. The rows stay locked until the transaction ends,
   * so two administrators cannot disable each other at the same moment.
   */
  async lockAdministrators(tx: TenantTransaction): Promise<string[]> {
    const rows = await tx.$queryRaw<{ userId: string }[]>`
      SELECT user_id AS "userId" FROM members WHERE role IN ('ciso', 'admin') AND disabled_at IS NULL
      ORDER BY user_id FOR UPDATE`;
    return rows.map((row) => row.userId);
  }
}

export function showMember(row: MemberRow): Member {
  return {
    userId: row.userId,
    name: row.name,
    email: row.email,
    role: Role.parse(row.role),
    teamId: row.teamId,
    createdAt: row.createdAt.toISOString(),
    disabledAt: row.disabledAt?.toISOString() ?? null,
  };
}
