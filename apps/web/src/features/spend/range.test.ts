import { expect, it } from 'vitest';
import { misreadRange, readRange } from './range.ts';

const NOW = Date.parse('2026-11-30T23:59:00Z');
const getter = (query: string) => {
  const parameters = new URLSearchParams(query);
  return (name: string) => parameters.get(name) ?? '';
};
const read = (query: string) => readRange(getter(query), NOW);

it.each([
  ['', '2026-11-01', '2026-11-30', '30'],
  ['days=1', '2026-11-30', '2026-11-30', '1'],
  ['days=7', '2026-11-24', '2026-11-30', '7'],
  ['days=8', '2026-11-01', '2026-11-30', '30'],
  ['from=2026-10-01&to=2026-10-31', '2026-10-01', '2026-10-31', ''],
  ['from=2026-10-31&to=2026-10-01&days=7', '2026-11-24', '2026-11-30', '7'],
  ['from=yesterday&to=today', '2026-11-01', '2026-11-30', '30'],
])('"%s" is from %s to %s', (query, from, to, preset) => {
  expect(read(query)).toEqual({ range: { from, to }, preset });
});

it.each([
  ['', []],
  ['days=7', []],
  ['from=2026-10-01&to=2026-10-31', []],
  ['days=8', ['days']],
  ['from=2026-10-31&to=2026-10-01', ['to']],
  ['from=yesterday&to=today', ['from', 'to']],
  ['from=2026-10-01', ['from']],
])('"%s" has what cannot be read: %j', (query, names) => {
  expect(misreadRange(getter(query)).map(({ name }) => name)).toEqual(names);
});
