import { expect, it } from 'vitest';
import { joinAlike } from './join-alike.ts';

const change = (alike: string | undefined, target: string) => ({ alike, target });

it('tells neighbours that differ in their target alone as one, by the newest of them', () => {
  const told = joinAlike([change('enrol', 'c'), change('enrol', 'b'), change('enrol', 'a')]);
  expect(told).toEqual([change('enrol', 'c and others')]);
});

it('names no others where it was the same target again', () => {
  expect(joinAlike([change('update', 'a'), change('update', 'a')])).toEqual([change('update', 'a')]);
});

it('keeps apart what something else happened between, and what is told alone', () => {
  const changes = [
    change('enrol', 'b'),
    change(undefined, 'revision 2'),
    change(undefined, 'revision 1'),
    change('enrol', 'a'),
  ];
  expect(joinAlike(changes)).toEqual(changes);
});
