import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantTransaction } from '../database/tenant-database.ts';

export interface StoredCheckpoint {
  size: number;
  root: Uint8Array;
  at: Date;
  /** As the log signed it. */
  note: string;
}

const AnchorKind = z.enum(['witness', 'rfc3161']);

@Injectable()
export class CheckpointsRepository {
  /** @param size of exactly this many entries; the newest without it. */
  async find(tx: TenantTransaction, size?: number): Promise<StoredCheckpoint | undefined> {
    const row = await tx.ledgerCheckpoint.findFirst({
      ...(size === undefined ? {} : { where: { size: BigInt(size) } }),
      orderBy: { size: 'desc' },
    });
    return row === null ? undefined : toCheckpoint(row);
  }

  /** Newest first. */
  async page(tx: TenantTransaction, before: number | undefined, limit: number): Promise<StoredCheckpoint[]> {
    const rows = await tx.ledgerCheckpoint.findMany({
      ...(before === undefined ? {} : { where: { size: { lt: BigInt(before) } } }),
      orderBy: { size: 'desc' },
      take: limit,
    });
    return rows.map(toCheckpoint);
  }

  /** Larger than a size, smallest first. */
  async after(tx: TenantTransaction, size: number, limit: number): Promise<StoredCheckpoint[]> {
    const rows = await tx.ledgerCheckpoint.findMany({
      where: { size: { gt: BigInt(size) } },
      orderBy: { size: 'asc' },
      take: limit,
    });
    return rows.map(toCheckpoint);
  }

  /** Who else has seen a checkpoint: of this size, or the largest that each has seen. */
  async anchors(
    tx: TenantTransaction,
    size?: number,
  ): Promise<{ kind: 'witness' | 'rfc3161'; name: string; size: number; at: string }[]> {
    const rows = await tx.ledgerAnchor.findMany({
      ...(size === undefined ? {} : { where: { size: BigInt(size) } }),
      orderBy: [{ kind: 'asc' }, { name: 'asc' }, { size: 'desc' }],
      distinct: ['kind', 'name'],
    });
    return rows.map((row) => ({
      kind: AnchorKind.parse(row.kind),
      name: row.name,
      size: Number(row.size),
      at: row.at.toISOString(),
    }));
  }

  async insert(
    tx: TenantTransaction,
    organisationId: string,
    { size, root, note }: Omit<StoredCheckpoint, 'at'>,
  ): Promise<void> {
    await tx.ledgerCheckpoint.create({
      data: { organisationId, size: BigInt(size), root: new Uint8Array(root), note },
      select: { size: true },
    });
  }
}

function toCheckpoint(row: { size: bigint; root: Uint8Array; at: Date; note: string }): StoredCheckpoint {
  return { size: Number(row.size), root: row.root, at: row.at, note: row.note };
}
