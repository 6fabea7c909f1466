import { expect, it } from 'vitest';
import { toCsv } from './csv.ts';

const row = (name: string, simulated = false) => ({
  key: name,
  name,
  simulated,
  calls: 2,
  inputTokens: 10,
  outputTokens: 5,
  cachedTokens: 0,
  exactMicros: 1_500_000,
  estimatedMicros: 1,
  unknownCalls: 1,
});

it('writes one line for each row, in dollars to the micro-dollar', () => {
  expect(
    toCsv({ rows: [row('openai')] })
      .split('\r\n')
      .slice(1),
  ).toEqual(['openai,openai,no,2,10,5,0,1.500000,0.000001,1', '']);
});

it.each([
  ['=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
  ['@cmd', "'@cmd"],
  ['a,b', '"a,b"'],
  ['two\nlines', '"two\nlines"'],
])('%j stays text in a spreadsheet', (name, cell) => {
  expect(toCsv({ rows: [row(name)] })).toContain(`\r\n${cell},${cell},no,2`);
});

it('says what was made up', () => {
  expect(toCsv({ rows: [row('sim-0001', true)] })).toContain('\r\nsim-0001,sim-0001,yes,2');
});
