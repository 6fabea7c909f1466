import { expect, test } from 'vitest';
import { peakPerSecond } from './fleet.ts';
import { judge, type StoredRecord } from './oracle.ts';

const DEVICE = 'device';
const hashes = new Map([[DEVICE, ['a', 'b', 'c']]]);

function stored(kept: string[]): StoredRecord {
  return {
    entries: kept.map((hash, index) => ({ device: DEVICE, seq: index + 1, hash })),
    heads: new Map([[DEVICE, { seq: kept.length, hash: kept.at(-1) ?? '' }]]),
    batches: new Map([[DEVICE, [{ firstSeq: 1, count: kept.length }]]]),
  };
}

test('what a refused device kept to itself is not lost, unless it had been acknowledged', () => {
  const acknowledgedThrough = new Map([[DEVICE, 2]]);
  const refused = new Set([DEVICE]);
  expect(judge({ hashes, acknowledgedThrough, refused }, stored(['a', 'b']))).toMatchObject({
    entries: 2,
    lost: 0,
    wrongHeads: 0,
    wrongBatches: 0,
  });
  expect(judge({ hashes, acknowledgedThrough, refused }, stored(['a']))).toMatchObject({
    lost: 1,
    acknowledgedLost: 1,
  });
  expect(judge({ hashes, acknowledgedThrough, refused: new Set() }, stored(['a', 'b']))).toMatchObject({
    lost: 1,
    acknowledgedLost: 0,
  });
});

test('an entry that no device recorded is found', () => {
  const truth = { hashes, acknowledgedThrough: new Map(), refused: new Set<string>() };
  expect(judge(truth, stored(['a', 'b', 'c', 'd']))).toMatchObject({ lost: 0, altered: 1, wrongHeads: 1 });
});

test('a peak is what falls into any one second, not into one of the clock', () => {
  expect(peakPerSecond([])).toBe(0);
  expect(peakPerSecond([100, 900, 1_050, 1_099, 1_100, 5_000])).toBe(4);
});
