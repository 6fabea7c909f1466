import { describe, expect, it } from 'vitest';
import { createScanner } from '../detect/create-scanner.ts';
import { exampleOfFormat } from '../detect/format.ts';
import { DETECTORS } from './all.ts';
import { IDENTIFIERS } from './identifiers.ts';

const usual = createScanner();
const thorough = createScanner({ detectors: [...DETECTORS, ...IDENTIFIERS], loneNumbers: 'any' });
const ids = (text: string, by = thorough) => by.scan(text).map(({ detector }) => detector);

describe('identifiers of machines and days', () => {
  it.each(IDENTIFIERS.flatMap(({ id, examples }) => examples.bad.map((text) => [id, text] as const)))(
    '%s: %s',
    (id, format) => {
      const text = exampleOfFormat(format);
      expect(ids(text)).toContain(id);
      expect(ids(text, usual)).not.toContain(id);
    },
  );
  it.each(IDENTIFIERS.flatMap(({ id, examples }) => examples.good.map((text) => [id, text] as const)))(
    'no %s: %s',
    (id, text) => expect(ids(text)).not.toContain(id),
  );
});

it('the cell of a table is an id only where told so', () => {
  for (const cell of ['M123A4567', 'AB1234567', 'EC1A 1BB', '34 ABC 1234']) {
    expect(ids(cell)).not.toEqual([]);
    expect(ids(cell, usual)).toEqual([]);
    expect(ids(`part ${cell} of the machine`)).toEqual([]);
  }
});
