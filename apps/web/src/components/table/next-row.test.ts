import { describe, expect, it } from 'vitest';
import { nextRow } from './next-row.ts';

describe('the keyboard in a table', () => {
  it.each([
    ['ArrowDown', 0, 1],
    ['ArrowUp', 0, 0],
    ['ArrowDown', 99, 99],
    ['PageDown', 5, 25],
    ['PageUp', 5, 0],
    ['Home', 50, 0],
    ['End', 0, 99],
  ])('%s goes from %d to %d', (key, from, to) => {
    expect(nextRow(key, from, 100, 20)).toBe(to);
  });

  it('leaves other keys and empty tables alone', () => {
    expect(nextRow('a', 5, 100, 20)).toBeUndefined();
    expect(nextRow('ArrowDown', 0, 0, 20)).toBeUndefined();
  });
});
