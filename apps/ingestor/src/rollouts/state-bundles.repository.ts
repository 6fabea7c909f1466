import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { SignedPayload } from '../keys/signing.service.ts';

export type StateKind = 'policy' | 'freeze';

@Injectable()
export class StateBundlesRepository {
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

  async insert(
    tx: TenantTransaction,
    organisationId: string,
    bundle: { kind: StateKind; revision: number; teamId: string | null; signed: SignedPayload },
  ): Promise<void> {
    const { kind, revision, teamId, signed } = bundle;
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
      },
      select: { id: true },
    });
  }

  /** Which teams have a bundle of their own in the newest revision of a kind. */
  async teamsOfNewest(tx: TenantTransaction, kind: StateKind): Promise<Set<string | null>> {
    const newest = await tx.stateBundle.aggregate({ where: { kind }, _max: { revision: true } });
    if (newest._max.revision === null) return new Set();
    const rows = await tx.stateBundle.findMany({
      where: { kind, revision: newest._max.revision },
      select: { teamId: true },
    });
    return new Set(rows.map((row) => row.teamId));
  }
}
