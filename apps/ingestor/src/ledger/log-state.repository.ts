import { Injectable } from '@nestjs/common';
import { LedgerFaults } from '@raypher/shared/rest';
import { toJson } from '../database/json.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';

/** What was found when the record was looked at. */
@Injectable()
export class LogStateRepository {
  async corrupt(tx: TenantTransaction, organisationId: string, faults: LedgerFaults): Promise<void> {
    await tx.ledgerLog.updateMany({
      where: { organisationId },
      data: { state: 'CORRUPTED', faults: toJson(faults) },
    });
  }

  /** Nothing was wrong. Only who looked at everything says again that all is well. */
  async audited(
    tx: TenantTransaction,
    organisationId: string,
    size: number,
    scope: 'new' | 'all',
  ): Promise<void> {
    const now = new Date();
    const clear = { state: 'OK', faults: Prisma.DbNull, completedAt: now };
    await tx.ledgerLog.updateMany({
      where: { organisationId },
      data: { auditedSize: BigInt(size), auditedAt: now, ...(scope === 'all' ? clear : {}) },
    });
    if (scope === 'new') return;
    await tx.alert.updateMany({
      where: { kind: { in: ['ledger.corrupted', 'ledger.rolled-back'] }, resolvedAt: null },
      data: { resolvedAt: now, resolvedBy: 'Raypher' },
    });
  }

  async read(tx: TenantTransaction): Promise<{ state: 'OK' | 'CORRUPTED'; faults: LedgerFaults | null }> {
    const row = await tx.ledgerLog.findFirst({ select: { state: true, faults: true } });
    return {
      state: row?.state === 'CORRUPTED' ? 'CORRUPTED' : 'OK',
      faults: LedgerFaults.nullable().parse(row?.faults ?? null),
    };
  }

  async progress(
    tx: TenantTransaction,
  ): Promise<{ auditedSize: number; auditedAt: Date | null; completedAt: Date | null }> {
    const row = await tx.ledgerLog.findFirst({
      select: { auditedSize: true, auditedAt: true, completedAt: true },
    });
    return {
      auditedSize: Number(row?.auditedSize ?? 0),
      auditedAt: row?.auditedAt ?? null,
      completedAt: row?.completedAt ?? null,
    };
  }
}
