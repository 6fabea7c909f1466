import { expect, test } from 'vitest';
import { remembered } from './remembered.ts';

test('asks once for each text, and again for all of them when there were too many', () => {
  const asked: string[] = [];
  const lengthOf = remembered(2, (text) => {
    asked.push(text);
    return text.length;
  });
  expect(['a', 'bb', 'a', 'bb', 'ccc', 'a'].map(lengthOf)).toEqual([1, 2, 1, 2, 3, 1]);
  expect(asked).toEqual(['a', 'bb', 'ccc', 'a']);
});

test('a long text is not kept', () => {
  let asked = 0;
  const count = remembered(2, () => (asked += 1));
  const long = 'x'.repeat(257);
  expect([count(long), count(long)]).toEqual([1, 2]);
});
