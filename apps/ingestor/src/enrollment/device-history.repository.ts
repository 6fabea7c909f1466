import { Injectable } from '@nestjs/common';
import { IdentityEvent } from '@raypher/shared/rest';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { plainText } from '../ingest/plain-text.ts';

export interface NewIdentityEvent {
  kind: IdentityEvent['kind'];
  /** A sentence. */
  detail: string;
  /** A person or a token; none for the control plane itself. */
  by?: string;
}

const SHOWN = 50;

/** What happened to a device's identity: added to, never changed. */
@Injectable()
export class DeviceHistoryRepository {
  async add(
    tx: TenantTransaction,
    organisationId: string,
    deviceId: string,
    ...events: readonly NewIdentityEvent[]
  ): Promise<void> {
    for (const { kind, detail, by = '' } of events) {
      await tx.deviceIdentityEvent.create({
        data: { organisationId, deviceId, kind, detail: plainText(detail, 1_500), by: plainText(by, 300) },
        select: { id: true },
      });
    }
  }

  /** Newest first. */
  async newest(tx: TenantTransaction, deviceId: string): Promise<IdentityEvent[]> {
    const rows = await tx.deviceIdentityEvent.findMany({
      where: { deviceId },
      orderBy: { id: 'desc' },
      take: SHOWN,
    });
    return rows.map(({ at, kind, detail, by }) => ({
      at: at.toISOString(),
      // The column's check constraint allows exactly these.
      kind: IdentityEvent.shape.kind.parse(kind),
      detail,
      by,
    }));
  }
}
