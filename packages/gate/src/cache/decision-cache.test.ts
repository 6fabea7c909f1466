import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CachedDecision, DecisionCache } from './decision-cache.ts';

const LIMITS = { capacity: 4, ttl: 50 };
const CARS = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
const SUBJECTS = ['user/1', 'user/2'];

/** A list, most recently used last; looked through from the start each time. */
class NaiveCache {
  revision = 0;
  entries: { key: string; decision: CachedDecision; expires: number }[] = [];

  adopt(revision: number): void {
    if (revision <= this.revision) return;
    this.revision = revision;
    this.entries = [];
  }

  get(key: string, revision: number, now: number): CachedDecision | undefined {
    const entry = this.entries.find((candidate) => candidate.key === key);
    if (revision !== this.revision || entry === undefined) return undefined;
    this.entries = this.entries.filter((other) => other !== entry);
    if (entry.expires <= now) return undefined;
    this.entries.push(entry);
    return entry.decision;
  }

  put(key: string, revision: number, decision: CachedDecision, now: number): void {
    this.adopt(revision);
    if (revision !== this.revision) return;
    this.entries = this.entries.filter((entry) => entry.key !== key);
    if (this.entries.length >= LIMITS.capacity) this.entries.shift();
    this.entries.push({ key, decision, expires: now + LIMITS.ttl });
  }

  remove(matches: (key: string) => boolean): void {
    this.entries = this.entries.filter(({ key }) => !matches(key));
  }
}

const verdict = fc.constantFrom('ALLOW' as const, 'DENY' as const, 'PROMPT' as const);
/** Nearly always the same one: each newer one empties the cache. */
const revision = fc.oneof({ weight: 40, arbitrary: fc.constant(2) }, { weight: 1, arbitrary: fc.nat(4) });
const key = { car: fc.constantFrom(...CARS), subject: fc.constantFrom(...SUBJECTS), revision };
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), ...key, verdict }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get' as const), ...key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('adopt' as const), revision }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), car: key.car }) },
);

describe('the cache of decisions', () => {
  it('answers as a list that is looked through would', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), command), { maxLength: 150, size: 'max' }), (steps) => {
        const cache = new DecisionCache(LIMITS);
        const naive = new NaiveCache();
        let now = 0;
        for (const [wait, step] of steps) {
          now += wait;
          if (step.kind === 'put') {
            const decision = { verdict: step.verdict, rule: 'r', reason: String(now) };
            cache.put(step, decision, now);
            naive.put(step.car + step.subject, step.revision, decision, now);
          } else if (step.kind === 'get') {
            expect(cache.get(step, now)).toEqual(naive.get(step.car + step.subject, step.revision, now));
          } else if (step.kind === 'adopt') {
            cache.adopt(step.revision);
            naive.adopt(step.revision);
          } else {
            cache.invalidate({ car: step.car });
            naive.remove((name) => name.startsWith(step.car));
          }
          expect(cache.stats().entries).toBe(naive.entries.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  const entry = { car: CARS[0] ?? '', subject: 'user/1', revision: 7 };
  const allow = { verdict: 'ALLOW', rule: 'r', reason: 'because' } as const;

  it('is not emptied by asking for a revision that does not exist', () => {
    const cache = new DecisionCache(LIMITS);
    cache.put(entry, allow, 0);
    expect(cache.get({ ...entry, revision: Number.MAX_SAFE_INTEGER }, 0)).toBeUndefined();
    expect(cache.get(entry, 0)).toEqual(allow);
  });

  it('does not take in what an older policy decided', () => {
    const cache = new DecisionCache(LIMITS);
    cache.adopt(8);
    expect(cache.put(entry, allow, 0)).toBe(false);
    expect(cache.get(entry, 0)).toBeUndefined();
  });

  it('does not let an answer live longer by reading it', () => {
    const cache = new DecisionCache(LIMITS);
    cache.put(entry, allow, 0);
    for (let now = 0; now < 50; now += 10) expect(cache.get(entry, now)).toEqual(allow);
    expect(cache.get(entry, 50)).toBeUndefined();
  });

  it('forgets for one subject, or all', () => {
    const cache = new DecisionCache(LIMITS);
    cache.put(entry, allow, 0);
    cache.put({ ...entry, subject: 'user/2' }, allow, 0);
    expect(cache.invalidate({ subject: 'user/2' })).toBe(1);
    expect(cache.get(entry, 0)).toEqual(allow);
    expect(cache.invalidate()).toBe(1);
    expect(cache.get(entry, 0)).toBeUndefined();
  });
});
