import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asciiJson, heard } from './delivery.ts';

describe('what a receiver said', () => {
  it('is shown without secrets, control characters and end', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 800 }),
        fc.string({ maxLength: 800 }),
        (before, after) => {
          const secret = ['t0ken', 'of', 'a', 'test'].join('-');
          const words = heard(`${before}${secret}${after}${secret}`, [secret, '']);
          expect(words).not.toContain(secret);
          expect(words).toMatch(/^\P{Cc}*$/u);
          expect(words.length).toBeLessThanOrEqual(500);
        },
      ),
    );
  });
});

describe('JSON for every receiver', () => {
  it('is ASCII, and says the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        const text = asciiJson(value);
        expect(text).toMatch(/^[\x20-\x7e]*$/);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
