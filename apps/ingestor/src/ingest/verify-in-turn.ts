import { type EventBatch, RaypherError } from '@raypher/shared';
import { type BatchOwner, type VerifiedBatch, verifyBatch } from './verify-batch.ts';

/** How long batches are verified before others have their turn, milliseconds. */
const SLICE_MS = 4;

/**
 * Verifies on the event loop, in slices of time: a policy or a freeze on its way to a fleet never waits behind the
 * record.
 */
export class VerifyInTurn {
  private waiting: (() => void)[] = [];
  private readonly next = () => this.slice();

  verify(batch: EventBatch, owner: BatchOwner): Promise<VerifiedBatch> {
    return new Promise((resolve, reject) => {
      this.waiting.push(() => {
        try {
          resolve(verifyBatch(batch, owner));
        } catch (error) {
          reject(asRefusal(error));
        }
      });
      if (this.waiting.length === 1) setImmediate(this.next);
    });
  }

  private slice(): void {
    const until = performance.now() + SLICE_MS;
    let done = 0;
    for (const verify of this.waiting) {
      verify();
      done += 1;
      if (performance.now() > until) break;
    }
    this.waiting = this.waiting.slice(done);
    if (this.waiting.length > 0) setImmediate(this.next);
  }
}

function asRefusal(error: unknown): RaypherError {
  return error instanceof RaypherError
    ? error
    : new RaypherError('internal/unexpected', 'A batch could not be verified.', { cause: error });
}
