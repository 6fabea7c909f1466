import { expect, test } from 'vitest';
import { RefusedPairs } from './refused-pairs.ts';

test('what repeats is told once a minute, with how often it happened', () => {
  let now = 0;
  const pairs = new RefusedPairs(10, () => now);
  expect(pairs.add('curl', 'a.example', 'closed')).toBe(1);
  for (let i = 0; i < 5; i += 1) expect(pairs.add('curl', 'a.example', 'closed')).toBeUndefined();
  expect(pairs.add('curl', 'a.example', 'certificate-refused')).toBe(1);
  expect(pairs.add('curl', 'b.example', 'closed')).toBe(1);
  now = 60_000;
  expect(pairs.add('curl', 'a.example', 'closed')).toBe(6);
});

test('a program that makes up names does not fill the memory, and pushes out the oldest', () => {
  const pairs = new RefusedPairs(3);
  for (const host of ['a', 'b', 'c', 'd']) pairs.add('curl', host, 'closed');
  expect(['a', 'b', 'c', 'd'].filter((host) => pairs.has('curl', host))).toEqual(['b', 'c', 'd']);
  expect(pairs.has('other', 'd')).toBe(false);
});
