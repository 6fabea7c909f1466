import { Injectable } from '@nestjs/common';
import { toJson } from '../database/json.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { Nudge } from '../redis/channels.ts';
import { currentSpan } from '../tracing/current-span.ts';

/** A nudge that has to survive: everything except who watches what. */
export type DurableNudge = Exclude<Nudge, { topic: 'watch' | 'connections' }>;

@Injectable()
export class OutboxRepository {
  /** Written in the transaction of the change, published by the relay after it committed. */
  async add(tx: TenantTransaction, nudge: DurableNudge): Promise<void> {
    await tx.outboxMessage.create({
      data: {
        organisationId: nudge.organisation,
        topic: nudge.topic,
        message: toJson({ ...nudge, traceparent: currentSpan().traceparent }),
      },
      select: { id: true },
    });
  }
}
