import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';

export type ArchiveState = 'ok' | 'unreachable' | 'conflict' | 'corrupted';

/** How far the archive of an organisation has come. */
export interface ArchiveCursor {
  destination: string;
  /** Entries that are there, with the checkpoint of this size. */
  size: number;
  /** Size that is being written. */
  target: number | undefined;
  archivedAt: Date | undefined;
  /** Entries that were read back. */
  checkedSize: number;
  checkedAt: Date | undefined;
  verifiedSize: number;
  verifiedAt: Date | undefined;
  /** Whether the objects carry a legal hold. */
  held: boolean;
  state: ArchiveState;
  problem: string | undefined;
}

const STATES: readonly string[] = ['ok', 'unreachable', 'conflict', 'corrupted'] satisfies ArchiveState[];

@Injectable()
export class ArchiveCursorsRepository {
  async find(tx: TenantTransaction, organisationId: string): Promise<ArchiveCursor | undefined> {
    const row = await tx.archiveCursor.findUnique({ where: { organisationId } });
    if (row === null) return undefined;
    return {
      destination: row.destination,
      size: Number(row.size),
      target: row.target === null ? undefined : Number(row.target),
      archivedAt: row.archivedAt ?? undefined,
      checkedSize: Number(row.checkedSize),
      checkedAt: row.checkedAt ?? undefined,
      verifiedSize: Number(row.verifiedSize),
      verifiedAt: row.verifiedAt ?? undefined,
      held: row.held,
      state: isState(row.state) ? row.state : 'corrupted',
      problem: row.problem ?? undefined,
    };
  }

  async create(tx: TenantTransaction, organisationId: string, destination: string): Promise<void> {
    await tx.archiveCursor.createMany({ data: [{ organisationId, destination }], skipDuplicates: true });
  }

  async change(
    tx: TenantTransaction,
    organisationId: string,
    change: Partial<
      Pick<ArchiveCursor, 'destination' | 'size' | 'checkedSize' | 'verifiedSize' | 'held' | 'state'> & {
        target: number | null;
        problem: string | null;
        archivedAt: Date;
        checkedAt: Date;
        verifiedAt: Date;
      }
    >,
  ): Promise<void> {
    const { size, target, checkedSize, verifiedSize, ...rest } = change;
    await tx.archiveCursor.updateMany({
      where: { organisationId },
      data: {
        ...rest,
        ...(size === undefined ? {} : { size: BigInt(size) }),
        ...(target === undefined ? {} : { target: target === null ? null : BigInt(target) }),
        ...(checkedSize === undefined ? {} : { checkedSize: BigInt(checkedSize) }),
        ...(verifiedSize === undefined ? {} : { verifiedSize: BigInt(verifiedSize) }),
      },
    });
  }
}

function isState(state: string): state is ArchiveState {
  return STATES.includes(state);
}
