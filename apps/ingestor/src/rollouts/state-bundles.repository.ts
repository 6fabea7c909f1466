import { Injectable } from '@nestjs/common';
import type { PolicyStage } from '@raypher/shared/rest';
import { toJson } from '../database/json.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { SignedPayload } from '../keys/signing.service.ts';
import { ControlEntriesRepository } from '../ledger/control-entries.repository.ts';
import { readStage } from './stage-membership.ts';

export type StateKind = 'policy' | 'freeze';

/** For some devices first; `base` is the revision that all others keep. */
export interface Staging {
  stage: PolicyStage;
  base: number;
}

@Injectable()
export class StateBundlesRepository {
  constructor(private readonly control: ControlEntriesRepository) {}

  /**
   * Takes the line of revisions of one kind for the rest of the transaction, so that two administrators
   * cannot make the same revision.
   *
   * @returns the newest revision; 0 before the first.
   */
  async lockLine(tx: TenantTransaction, organisationId: string, kind: StateKind): Promise<number> {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`${organisationId}:${kind}`}, 0))`;
    const newest = await tx.stateBundle.aggregate({ where: { kind }, _max: { revision: true } });
    return Number(newest._max.revision ?? 0n);
  }

  /** Also an entry of the log: which bytes devices were given, under which key. */
  async insert(
    tx: TenantTransaction,
    organisationId: string,
    bundle: {
      kind: StateKind;
      revision: number;
      teamId: string | null;
      signed: SignedPayload;
      staging: Staging | null;
    },
  ): Promise<void> {
    const { kind, revision, teamId, signed, staging } = bundle;
    await tx.stateBundle.create({
      data: {
        organisationId,
        kind,
        revision: BigInt(revision),
        teamId,
        payload: new Uint8Array(signed.payload),
        digest: new Uint8Array(signed.digest),
        signature: new Uint8Array(signed.signature),
        keyId: signed.keyId,
        stage: staging === null ? Prisma.DbNull : toJson(staging.stage),
        baseRevision: staging === null ? null : BigInt(staging.base),
      },
      select: { id: true },
    });
    await this.control.add(tx, organisationId, {
      kind,
      body: { revision, digest: signed.digest.toString('hex'), team: teamId, keyId: signed.keyId },
    });
  }

  /**
   * Teams whose devices are sent something else than others in the newest revision of a kind. While some devices
   * have a revision of their own, what the others have counts too.
   */
  async teamsOfNewest(tx: TenantTransaction, kind: StateKind): Promise<Set<string | null>> {
    const newest = await tx.stateBundle.findFirst({ where: { kind }, orderBy: { revision: 'desc' } });
    if (newest === null) return new Set();
    const { revision, baseRevision } = newest;
    const rows = await tx.stateBundle.findMany({
      where: { kind, revision: { in: baseRevision === null ? [revision] : [revision, baseRevision] } },
      select: { teamId: true },
    });
    const selector = readStage(newest.stage)?.selector;
    return new Set([...rows.map((row) => row.teamId), ...(selector?.kind === 'teams' ? selector.teams : [])]);
  }
}
