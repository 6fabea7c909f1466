import { RaypherError } from '@raypher/shared';
import { LRUCache } from 'lru-cache';

interface Bucket {
  tokens: number;
  /** Milliseconds, monotonic. */
  at: number;
}

export interface LimiterOptions {
  /** Attempts that may come at once. */
  burst: number;
  /** Attempts regained per second. */
  perSecond: number;
  /** Milliseconds; for tests. */
  now?: () => number;
}

/** A token bucket per address, or whatever else names who attempts. Those that were not seen for long are forgotten. */
export class AttemptLimiter {
  private readonly buckets = new LRUCache<string, Bucket>({ max: 50_000 });
  private readonly now: () => number;

  constructor(private readonly options: LimiterOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /** @throws RaypherError `request/rate-limited` when the address has used its attempts up. */
  check(address: string): void {
    if (this.filled(address).tokens >= 1) return;
    throw new RaypherError('request/rate-limited', 'Too many attempts in too short a time.', {
      hint: `Wait ${Math.ceil(1 / this.options.perSecond)} seconds and try again.`,
      details: { retryAfterSeconds: Math.ceil(1 / this.options.perSecond) },
    });
  }

  /** Counts one attempt. */
  spend(address: string): void {
    const bucket = this.filled(address);
    bucket.tokens = Math.max(0, bucket.tokens - 1);
  }

  private filled(address: string): Bucket {
    const now = this.now();
    const bucket = this.buckets.get(address) ?? { tokens: this.options.burst, at: now };
    const regained = ((now - bucket.at) / 1000) * this.options.perSecond;
    bucket.tokens = Math.min(this.options.burst, bucket.tokens + regained);
    bucket.at = now;
    this.buckets.set(address, bucket);
    return bucket;
  }
}
