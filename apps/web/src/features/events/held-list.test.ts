import { describe, expect, it } from 'vitest';
import { emptyList, MAX_HELD, MAX_SHOWN, receive, release, waiting } from './held-list.ts';

const id = (row: string) => row;
const live = { reading: false, skipped: 0, id };
const reading = { reading: true, skipped: 0, id };

describe('a list that grows while somebody reads', () => {
  it('shows new rows at the top of somebody who is not reading', () => {
    const list = receive(receive(emptyList<string>(), ['a'], live), ['c', 'b'], live);
    expect(list.shown).toEqual(['c', 'b', 'a']);
    expect(waiting(list)).toBe(0);
  });

  it('holds new rows back from a reader and counts them', () => {
    const list = receive(receive(emptyList<string>(), ['a'], live), ['c', 'b'], reading);
    expect(list.shown).toEqual(['a']);
    expect(waiting(list)).toBe(2);
  });

  it('shows what was held in the order of arrival, newest first', () => {
    let list = receive(emptyList<string>(), ['a'], live);
    list = receive(list, ['b'], reading);
    list = receive(list, ['d', 'c'], reading);
    expect(release(list)).toMatchObject({ shown: ['d', 'c', 'b', 'a'], held: [] });
  });

  it('puts held rows below newer ones when the reader comes back by scrolling', () => {
    let list = receive(emptyList<string>(), ['b'], reading);
    list = receive(list, ['c'], live);
    expect(list.shown).toEqual(['c', 'b']);
    expect(waiting(list)).toBe(0);
  });

  it('ignores a row it has already', () => {
    const list = receive(receive(emptyList<string>(), ['a'], live), ['b', 'a'], live);
    expect(list.shown).toEqual(['b', 'a']);
    expect(receive(receive(list, ['c'], reading), ['c'], reading).held).toEqual(['c']);
  });

  it('counts rows that the server left out of a burst', () => {
    expect(waiting(receive(emptyList<string>(), ['a'], { reading: true, skipped: 40, id }))).toBe(41);
  });

  it('keeps a bounded number of rows and still counts what it no longer holds', () => {
    const many = Array.from({ length: MAX_HELD + 5 }, (_, row) => String(row));
    const held = receive(emptyList<string>(), many, reading);
    expect(held.held).toHaveLength(MAX_HELD);
    expect(waiting(held)).toBe(MAX_HELD + 5);
    const shown = receive(
      emptyList<string>(),
      Array.from({ length: MAX_SHOWN + 5 }, (_, row) => String(row)),
      live,
    );
    expect(shown.shown).toHaveLength(MAX_SHOWN);
  });
});
