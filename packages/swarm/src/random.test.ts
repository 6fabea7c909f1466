import { expect, test } from 'vitest';
import { SeededRandom } from './random.ts';

function story(seed: string): unknown[] {
  const random = new SeededRandom(seed);
  return [
    random.next(),
    random.integer(1, 1000),
    random.pick('abcdefgh'.split('')),
    random.hex(8),
    random.poisson(7),
  ];
}

test('the same seed tells the same story', () => {
  expect(story('a/1')).toEqual(story('a/1'));
});

test('neighbouring seeds tell different stories', () => {
  const first = new Set(Array.from({ length: 1000 }, (_, index) => new SeededRandom(`s/${index}`).next()));
  expect(first.size).toBe(1000);
});

test('numbers are spread evenly over the interval', () => {
  const random = new SeededRandom('spread');
  const buckets = new Array<number>(10).fill(0);
  for (let index = 0; index < 100_000; index += 1) {
    const bucket = random.integer(0, 9);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  // 10,000 each; five standard deviations are 475.
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(475);
});

test.each([0.2, 4, 1200])('a Poisson process that expects %d has that mean', (expected) => {
  const random = new SeededRandom('poisson');
  const rounds = 2000;
  let total = 0;
  for (let index = 0; index < rounds; index += 1) total += random.poisson(expected);
  expect(Math.abs(total / rounds - expected)).toBeLessThan(5 * Math.sqrt(expected / rounds));
});

test('a sample has no repetitions and keeps the order of the list', () => {
  const random = new SeededRandom('sample');
  const list = ['a', 'b', 'c', 'd', 'e'];
  for (let index = 0; index < 100; index += 1) {
    const chosen = random.sample(list, 3);
    expect(chosen).toHaveLength(3);
    expect(chosen).toEqual(list.filter((item) => chosen.includes(item)));
  }
  expect(random.sample(list, 9)).toEqual(list);
});
