import { describe, expect, it } from 'vitest';
import { AttemptLimiter } from './attempt-limiter.ts';

describe('attempts from one address', () => {
  it('are refused once the burst is used up, and allowed again with time', () => {
    let now = 0;
    const limiter = new AttemptLimiter({ burst: 2, perSecond: 0.5, now: () => now });
    limiter.spend('a');
    limiter.spend('a');
    expect(() => limiter.check('a')).toThrow('Too many attempts');
    now = 1_900;
    expect(() => limiter.check('a')).toThrow('Too many attempts');
    now = 2_100;
    expect(() => limiter.check('a')).not.toThrow();
  });

  it('do not count against another address', () => {
    const limiter = new AttemptLimiter({ burst: 1, perSecond: 0.1, now: () => 0 });
    limiter.spend('a');
    expect(() => limiter.check('b')).not.toThrow();
  });

  it('never save up more than the burst', () => {
    let now = 0;
    const limiter = new AttemptLimiter({ burst: 1, perSecond: 1, now: () => now });
    limiter.check('a');
    now = 1_000_000;
    limiter.spend('a');
    expect(() => limiter.check('a')).toThrow();
  });
});
