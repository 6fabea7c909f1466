import { expect, it } from 'vitest';
import { readRange } from './range.ts';

const NOW = Date.parse('2026-11-30T23:59:00Z');
const read = (query: string) => {
  const parameters = new URLSearchParams(query);
  return readRange((name) => parameters.get(name) ?? '', NOW);
};

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
