import { Worker } from 'node:worker_threads';
import { type EventBatch, RaypherError } from '@raypher/shared';
import type { BatchOwner, VerifiedBatch } from './verify-batch.ts';
import { requestOf, type VerifyReply } from './verify-message.ts';

const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './verify-worker.ts' : './verify-worker.js',
  import.meta.url,
);
/** A thread that wants more has met something it should not; megabytes. */
const MAX_HEAP_MB = 256;
/** Before a thread that died at once is started again, milliseconds. */
const PAUSE_MS = 1_000;

interface Waiting {
  resolve(batch: VerifiedBatch): void;
  reject(error: RaypherError): void;
}

/**
 * One thread that verifies, replaced when it dies. What it held then is refused in a way that devices come back from:
 * they send it again.
 */
export class VerifyThread {
  private readonly waiting = new Map<number, Waiting>();
  private requests = 0;
  private worker: Worker | undefined;
  private stopped = false;

  /** @param died hears why, for the log */
  constructor(private readonly died: (why: unknown) => void) {
    this.start();
  }

  /** For tests: -1 while there is none. */
  get threadId(): number {
    return this.worker?.threadId ?? -1;
  }

  verify(batch: EventBatch, owner: BatchOwner): Promise<VerifiedBatch> {
    if (this.worker === undefined) return Promise.reject(gone());
    this.requests += 1;
    const [request, handedOver] = requestOf(this.requests, batch, owner);
    const { promise, resolve, reject } = Promise.withResolvers<VerifiedBatch>();
    this.waiting.set(request.id, { resolve, reject });
    this.worker.postMessage(request, handedOver);
    return promise;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.worker?.terminate();
  }

  /** Ends the thread as a crash would. */
  async kill(): Promise<void> {
    await this.worker?.terminate();
  }

  private start(): void {
    if (this.stopped) return;
    const began = performance.now();
    const worker = new Worker(SCRIPT, {
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
      name: 'verify',
    });
    let why: unknown = 'it ended';
    worker.on('message', (reply: VerifyReply) => this.settle(reply));
    worker.on('error', (error) => {
      why = error;
    });
    worker.once('exit', () => {
      this.worker = undefined;
      for (const { reject } of this.waiting.values()) reject(gone());
      this.waiting.clear();
      if (this.stopped) return;
      this.died(why);
      if (performance.now() - began > PAUSE_MS) this.start();
      else setTimeout(() => this.start(), PAUSE_MS).unref();
    });
    // The process ends when its servers do.
    worker.unref();
    this.worker = worker;
  }

  private settle(reply: VerifyReply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('batch' in reply) {
      waiting?.resolve(reply.batch);
      return;
    }
    const { code, message, ...more } = reply.refusal;
    waiting?.reject(new RaypherError(code, message, more));
  }
}

function gone(): RaypherError {
  return new RaypherError('link/overloaded', 'The thread that verifies batches has ended.', {
    hint: 'Keep the entries and send them again later.',
  });
}
