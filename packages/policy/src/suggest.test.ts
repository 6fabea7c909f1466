import { expect, test } from 'vitest';
import { nearest } from './suggest.ts';

const known = ['default', 'rules', 'destinations', 'effect'];

test.each([
  ['defualt', 'default'],
  ['DEFAULT', 'default'],
  ['destination', 'destinations'],
  ['efect', 'effect'],
  ['rulse', 'rules'],
  ['rule', 'rules'],
  ['budget', undefined],
  ['x', undefined],
  ['', undefined],
  ['effect'.repeat(20), undefined],
])('%s was probably meant to be %s', (written, expected) => {
  expect(nearest(written, known)).toBe(expected);
});
