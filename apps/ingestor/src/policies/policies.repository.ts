import { Injectable } from '@nestjs/common';
import type { PolicyDocuments } from '@raypher/shared/rest';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';

export interface NewRevision {
  revision: number;
  documents: PolicyDocuments;
  reason: string;
  createdBy: string;
  rolledBackTo: number | null;
}

@Injectable()
export class PoliciesRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** The newest revision, which is the running one. */
  running(tx: TenantTransaction) {
    return tx.policyRevision.findFirst({ orderBy: { revision: 'desc' } });
  }

  find(tx: TenantTransaction, revision: number) {
    return tx.policyRevision.findFirst({ where: { revision: BigInt(revision) } });
  }

  async insert(tx: TenantTransaction, organisationId: string, revision: NewRevision): Promise<void> {
    await tx.policyRevision.create({
      data: {
        organisationId,
        revision: BigInt(revision.revision),
        documents: toJson(revision.documents),
        reason: revision.reason,
        createdBy: revision.createdBy,
        rolledBackTo: revision.rolledBackTo === null ? null : BigInt(revision.rolledBackTo),
      },
      select: { revision: true },
    });
  }

  /** Newest first, with the digest of what devices without a team document were sent. */
  page(organisationId: string, before: number | undefined, limit: number) {
    return this.database.within(organisationId, async (tx) => {
      const rows = await tx.policyRevision.findMany({
        ...(before === undefined ? {} : { where: { revision: { lt: BigInt(before) } } }),
        orderBy: { revision: 'desc' },
        take: limit + 1,
      });
      const digests = await this.digests(
        tx,
        rows.map((row) => row.revision),
      );
      const newest = await this.running(tx);
      return { rows, digests, running: newest?.revision ?? 0n };
    });
  }

  async digests(tx: TenantTransaction, revisions: bigint[]): Promise<Map<bigint, string>> {
    const bundles = await tx.stateBundle.findMany({
      where: { kind: 'policy', teamId: null, revision: { in: revisions } },
      select: { revision: true, digest: true },
    });
    return new Map(bundles.map((bundle) => [bundle.revision, Buffer.from(bundle.digest).toString('hex')]));
  }

  /** Those of these ids that are not teams of the organisation. */
  async unknownTeams(tx: TenantTransaction, ids: string[]): Promise<string[]> {
    const known = await tx.team.findMany({ where: { id: { in: ids } }, select: { id: true } });
    const found = new Set(known.map((team) => team.id));
    return ids.filter((id) => !found.has(id));
  }
}
