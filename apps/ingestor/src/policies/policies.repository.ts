import { Injectable } from '@nestjs/common';
import type { PolicyDocuments, PolicySource, PolicyStage } from '@raypher/shared/rest';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { stageHolds } from '../rollouts/stage-membership.ts';

export interface NewRevision {
  revision: number;
  documents: PolicyDocuments;
  tests: PolicyDocuments;
  source: PolicySource | null;
  stage: PolicyStage | null;
  reason: string;
  createdBy: string;
  rolledBackTo: number | null;
}

@Injectable()
export class PoliciesRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** The newest revision that is for everybody. */
  running(tx: TenantTransaction) {
    return tx.policyRevision.findFirst({
      where: { stage: { equals: Prisma.DbNull } },
      orderBy: { revision: 'desc' },
    });
  }

  /** The newest revision, when some devices have it and nobody has decided about the others yet. */
  async open(tx: TenantTransaction) {
    const newest = await tx.policyRevision.findFirst({ orderBy: { revision: 'desc' } });
    return newest === null || newest.stage === null ? null : newest;
  }

  /** The newest revision for everybody that a program took from a repository. */
  applied(tx: TenantTransaction) {
    return tx.policyRevision.findFirst({
      where: { source: { not: Prisma.DbNull }, stage: { equals: Prisma.DbNull } },
      orderBy: { revision: 'desc' },
    });
  }

  find(tx: TenantTransaction, revision: number) {
    return tx.policyRevision.findFirst({ where: { revision: BigInt(revision) } });
  }

  async rolloutOf(tx: TenantTransaction, revision: bigint): Promise<string | undefined> {
    const rollout = await tx.rollout.findFirst({ where: { kind: 'policy', revision }, select: { id: true } });
    return rollout?.id;
  }

  async insert(tx: TenantTransaction, organisationId: string, revision: NewRevision): Promise<void> {
    const { source, stage } = revision;
    await tx.policyRevision.create({
      data: {
        organisationId,
        revision: BigInt(revision.revision),
        documents: toJson(revision.documents),
        tests: toJson(revision.tests),
        source: source === null ? Prisma.DbNull : toJson(source),
        stage: stage === null ? Prisma.DbNull : toJson(stage),
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
      const running = await this.running(tx);
      return { rows, digests, running: running?.revision ?? 0n };
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

  /** All of the organisation. */
  async teams(tx: TenantTransaction): Promise<{ id: string; name: string }[]> {
    return tx.team.findMany({ select: { id: true, name: true }, orderBy: { id: 'asc' } });
  }

  /** How many active devices a stage has now. */
  async devicesIn(tx: TenantTransaction, stage: PolicyStage): Promise<number> {
    const [row] = await tx.$queryRaw<{ devices: bigint }[]>`
      SELECT count(*) AS devices FROM devices d, (SELECT ${JSON.stringify(stage)}::jsonb AS stage) w
      WHERE d.status = 'active' AND ${stageHolds(Prisma.sql`w.stage`)}`;
    return Number(row?.devices ?? 0n);
  }
}
