import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GOOD_BEHAVIOUR } from './device-behaviour.ts';
import { Misfortune, Recurrence } from './misfortune.ts';

const behaviour = {
  ...GOOD_BEHAVIOUR,
  badBatch: 0.1,
  duplicateBatch: 0.3,
  resendEarlier: 0.5,
  cutAfterBatch: 0.2,
};

test('the same seed decides the same about a batch, whatever was decided before', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.nat(100_000), { minLength: 1 }), (seed, order) => {
      const [one, other] = [new Misfortune(seed), new Misfortune(seed)];
      const forwards = order.map((seq) => one.fateOf(seq, behaviour));
      const backwards = order.toReversed().map((seq) => other.fateOf(seq, behaviour));
      expect(backwards.toReversed()).toEqual(forwards);
    }),
  );
});

test('misfortunes are as frequent as they should be, and none come to those who behave well', () => {
  const misfortune = new Misfortune('frequency');
  const fates = Array.from({ length: 10_000 }, (_, seq) => misfortune.fateOf(seq, behaviour));
  const share = (name: 'bad' | 'twice' | 'earlierAgain' | 'cut') =>
    fates.filter((fate) => fate[name]).length / fates.length;
  expect(share('bad')).toBeCloseTo(0.1, 1);
  expect(share('twice')).toBeCloseTo(0.3, 1);
  expect(share('earlierAgain')).toBeCloseTo(0.5, 1);
  expect(share('cut')).toBeCloseTo(0.2, 1);
  const good = { bad: false, twice: false, earlierAgain: false, cut: false };
  for (let seq = 1; seq < 1_000; seq += 1) expect(misfortune.fateOf(seq, GOOD_BEHAVIOUR)).toEqual(good);
});

test('what recurs comes at its rate, at the same moments for the same seed, and never at rate 0', () => {
  const moments = (seed: string, stepMs: number) => {
    const recurrence = new Recurrence(seed);
    const found: number[] = [];
    for (let now = 0; now < 600_000; now += stepMs)
      if (recurrence.passed(stepMs, 60)) found.push(Math.round(now / 1_000));
    return found;
  };
  expect(moments('one', 50)).toEqual(moments('one', 50));
  expect(moments('one', 50)).not.toEqual(moments('other', 50));
  // Ten minutes at one per second: 600 expected, and five standard deviations to both sides.
  expect(Math.abs(moments('one', 50).length - 600)).toBeLessThan(125);
  const calm = new Recurrence('calm');
  expect(Array.from({ length: 1_000 }, () => calm.passed(60_000, 0))).not.toContain(true);
});
