import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { EventBatch } from '@raypher/shared';
import { LINK_CONFIG } from '../config/config.module.ts';
import type { LinkConfig } from '../config/config.ts';
import type { BatchOwner, VerifiedBatch } from './verify-batch.ts';
import { VerifyInTurn } from './verify-in-turn.ts';
import { VerifyThread } from './verify-thread.ts';

/**
 * Where batches are verified: on threads of their own, or in slices on the event loop where there are none. The
 * batches of one device stay in their order, because all of them go to the same thread.
 */
@Injectable()
export class VerifyPool implements OnApplicationShutdown {
  private readonly logger = new Logger('VerifyPool');
  private readonly inTurn = new VerifyInTurn();
  readonly threads: readonly VerifyThread[];

  constructor(@Inject(LINK_CONFIG) { verifyThreads }: LinkConfig) {
    this.threads = Array.from(
      { length: verifyThreads },
      () =>
        new VerifyThread((why) => this.logger.error({ why }, 'A verifying thread ended; starting another')),
    );
  }

  /** @throws RaypherError saying what is wrong with the batch, or `link/overloaded` when its thread died. */
  verify(batch: EventBatch, owner: BatchOwner): Promise<VerifiedBatch> {
    const thread = this.threads[placeOf(owner.deviceId, this.threads.length)];
    return (thread ?? this.inTurn).verify(batch, owner);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.stop()));
  }
}

/** The first digits of a device's id are random. */
function placeOf(deviceId: string, places: number): number {
  return Number.parseInt(deviceId.slice(0, 8), 16) % Math.max(1, places);
}
