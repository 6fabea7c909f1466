import { expect, test } from 'vitest';
import { costOf } from './cost.ts';
import { PackagedPrices } from './packaged-prices.ts';
import { OverriddenPrices, PriceTable } from './price-table.ts';
import { NO_TOKENS } from './token-class.ts';

const AT = Date.UTC(2026, 10, 1);
const rates = { input: 1_000_000, output: 2_000_000 };
const entry = (provider: string, model: string, more = {}) => ({ provider, model, rates, ...more });
const bookOf = (...models: object[]) =>
  new OverriddenPrices(PriceTable.parse({ version: 1, models }), new PackagedPrices());
const million = (book: OverriddenPrices, provider: string, model: string) =>
  costOf(
    {
      tokens: { ...NO_TOKENS, input: 1_000_000 },
      searches: 0,
      estimated: false,
      model: undefined,
      reportedMicros: undefined,
      surcharges: [],
    },
    { provider, model, at: AT },
    book,
  );

test('a table prices new models, new providers, and known ones anew', () => {
  const book = bookOf(entry('openai', 'gpt-4o'), entry('inhouse', 'llama'));
  expect(million(book, 'openai', 'GPT-4o')).toMatchObject({ micros: 1_000_000, estimated: false });
  expect(million(book, 'inhouse', 'llama')).toMatchObject({ micros: 1_000_000 });
  expect(million(book, 'openai', 'gpt-4o-mini')).toMatchObject({ micros: 150_000 });
});

test('an exact name wins over a beginning, a longer beginning over a shorter one', () => {
  const at = (input: number) => ({ rates: { input, output: 0 } });
  const book = bookOf(entry('x', 'a*', at(1)), entry('x', 'ab*', at(2)), entry('x', 'abc', at(3)));
  expect(['az', 'abz', 'abc'].map((model) => million(book, 'x', model))).toMatchObject([
    { micros: 1 },
    { micros: 2 },
    { micros: 3 },
  ]);
});

test('zero is a price only where somebody wrote it', () => {
  const book = bookOf(entry('ollama', 'llama*', { rates: { input: 0, output: 0 } }));
  expect(million(book, 'ollama', 'llama3.2')).toMatchObject({ known: true, micros: 0, estimated: false });
  expect(million(book, 'lmstudio', 'llama3.2')).toMatchObject({ known: false });
});

test('a cheap entry does not make unknown models of the provider cheap', () => {
  const book = bookOf(entry('openai', 'gpt-9', { rates: { input: 1, output: 1 } }));
  expect(million(book, 'openai', 'mystery')).toEqual(million(bookOf(), 'openai', 'mystery'));
});

test('a dear entry makes them dear', () => {
  const book = bookOf(entry('openai', 'gpt-9', { rates: { input: 999_000_000, output: 1 } }));
  expect(million(book, 'openai', 'mystery')).toMatchObject({ micros: 999_000_000, estimated: true });
});

test.each([
  ['another version', { version: 2, models: [] }],
  ['a fraction', { version: 1, models: [entry('x', 'm', { rates: { input: 0.5, output: 1 } })] }],
  ['a negative rate', { version: 1, models: [entry('x', 'm', { rates: { input: -1, output: 1 } })] }],
  ['no output rate', { version: 1, models: [entry('x', 'm', { rates: { input: 1 } })] }],
  ['a rate of an unknown class', { version: 1, models: [entry('x', 'm', { rates: { ...rates, gold: 1 } })] }],
  ['an unknown field', { version: 1, models: [entry('x', 'm', { price: 1 })] }],
  ['a star in the middle', { version: 1, models: [entry('x', 'a*b')] }],
])('a table with %s is refused', (_, table) => {
  expect(PriceTable.safeParse(table).success).toBe(false);
});

test('tiers may come in any order', () => {
  const input = {
    base: 1_000_000,
    tiers: [
      { above: 900_000, rate: 9_000_000 },
      { above: 100, rate: 2_000_000 },
    ],
  };
  const book = bookOf(entry('x', 'm', { rates: { input, output: 1 } }));
  expect(million(book, 'x', 'm')).toMatchObject({ micros: 9_000_000 });
});
