import { expect, test } from 'vitest';
import { eitherOf } from './either-of.ts';

test.each([0, 1])('is aborted with number %i of the two, for its reason', (which) => {
  const two = [new AbortController(), new AbortController()] as const;
  const either = eitherOf(two[0].signal, two[1].signal);
  expect(either.aborted).toBe(false);
  two[which]?.abort('first');
  two[1 - which]?.abort('second');
  expect(either.reason).toBe('first');
});

test.each([0, 1])('is aborted at once when number %i of the two is already', (which) => {
  const two = [new AbortController(), new AbortController()] as const;
  two[which]?.abort('before');
  expect(eitherOf(two[0].signal, two[1].signal).reason).toBe('before');
});
