/** A verdict of the policy, as it is remembered. What a permit allowed is never one. */
export interface CachedDecision {
  readonly verdict: 'ALLOW' | 'DENY' | 'PROMPT';
  readonly rule: string;
  readonly reason: string;
}

export interface CacheKey {
  readonly car: string;
  readonly subject: string;
  /** Of the policy that decided. */
  readonly revision: number;
}

export interface CacheLimits {
  readonly capacity: number;
  /** Milliseconds. */
  readonly ttl: number;
}

export interface CacheStats {
  readonly entries: number;
  readonly capacity: number;
  readonly revision: number;
  readonly hits: number;
  readonly misses: number;
}

interface Entry extends CachedDecision {
  readonly car: string;
  readonly subject: string;
  readonly expires: number;
}

/**
 * What the policy of one revision decided lately. The least recently used goes first; a newer revision empties
 * it, an older one is not taken in. An answer that is read does not live longer for it.
 */
export class DecisionCache {
  readonly #limits: CacheLimits;
  readonly #entries = new Map<string, Entry>();
  #revision = 0;
  #hits = 0;
  #misses = 0;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  /** @param now milliseconds, from a clock that never goes back */
  get(key: CacheKey, now: number): CachedDecision | undefined {
    const name = nameOf(key);
    const entry = key.revision === this.#revision ? this.#entries.get(name) : undefined;
    if (entry === undefined || entry.expires <= now) {
      if (entry !== undefined) this.#entries.delete(name);
      this.#misses += 1;
      return undefined;
    }
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    this.#hits += 1;
    return { verdict: entry.verdict, rule: entry.rule, reason: entry.reason };
  }

  /** @returns whether it was taken in: not when a newer policy is known */
  put(key: CacheKey, decision: CachedDecision, now: number): boolean {
    this.adopt(key.revision);
    if (key.revision !== this.#revision) return false;
    const name = nameOf(key);
    this.#entries.delete(name);
    if (this.#entries.size >= this.#limits.capacity) {
      const [leastRecent] = this.#entries.keys();
      if (leastRecent !== undefined) this.#entries.delete(leastRecent);
    }
    const { verdict, rule, reason } = decision;
    const { car, subject } = key;
    this.#entries.set(name, { verdict, rule, reason, car, subject, expires: now + this.#limits.ttl });
    return true;
  }

  /** Forgets everything that an older policy decided. Asking for a revision is not enough: anybody may ask. */
  adopt(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#entries.clear();
  }

  /** Forgets what was decided about an action, for a subject, about one for the other, or everything. */
  invalidate(
    which: { readonly car?: string | undefined; readonly subject?: string | undefined } = {},
  ): number {
    let removed = 0;
    for (const [name, entry] of this.#entries) {
      if (which.car !== undefined && which.car !== entry.car) continue;
      if (which.subject !== undefined && which.subject !== entry.subject) continue;
      this.#entries.delete(name);
      removed += 1;
    }
    return removed;
  }

  stats(): CacheStats {
    return {
      entries: this.#entries.size,
      capacity: this.#limits.capacity,
      revision: this.#revision,
      hits: this.#hits,
      misses: this.#misses,
    };
  }
}

/** A CAR hash has a fixed length, so that no two pairs share a name. */
function nameOf({ car, subject }: CacheKey): string {
  return `${car}${subject}`;
}
