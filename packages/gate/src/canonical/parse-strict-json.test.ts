import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CanonicalError } from './canonical-error.ts';
import { isExactDouble } from './exact-double.ts';
import { MAX_DEPTH, MAX_VALUES, parseStrictJson } from './parse-strict-json.ts';

function faultOf(text: string): string {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (error instanceof CanonicalError) return error.code;
    throw error;
  }
  return 'none';
}

describe('strict JSON', () => {
  it('is whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['a name given twice', '{"a":1,"a":2}', 'json/duplicate-name'],
    ['a name given twice, once escaped', '{"a":1,"\\u0061":2}', 'json/duplicate-name'],
    ['a name given twice far down', '[{"x":[{"k":1,"k":1}]}]', 'json/duplicate-name'],
    ['two prototypes', '{"__proto__":1,"__proto__":2}', 'json/duplicate-name'],
    ['an integer that a double rounds', '9007199254740993', 'json/inexact-number'],
    ['the same, as a fraction', '9007199254740993.0', 'json/inexact-number'],
    ['the same, with an exponent', '90071992547409930e-1', 'json/inexact-number'],
    ['a fraction that a double rounds', '0.1000000000000000055511151231257827', 'json/inexact-number'],
    ['a fraction that rounds to an integer', '9007199254740990.6', 'json/inexact-number'],
    ['a number that becomes infinite', '1e400', 'json/inexact-number'],
    ['a number that becomes zero', '1e-400', 'json/inexact-number'],
    ['minus zero', '-0', 'json/inexact-number'],
    ['minus zero with an exponent', '{"a":-0.0e5}', 'json/inexact-number'],
    ['a very long zero', `0.${'0'.repeat(1_000)}`, 'json/inexact-number'],
    ['a byte order mark', '\ufeff{}', 'json/syntax'],
    ['nothing', '', 'json/syntax'],
    ['two values', '{} {}', 'json/syntax'],
    ['a comment', '{/**/}', 'json/syntax'],
    ['NaN', 'NaN', 'json/syntax'],
    ['a raw control character', '"\u0001"', 'json/syntax'],
    ['a text without its end', '{"a', 'json/syntax'],
    ['a text that ends in an escape', '"\\', 'json/syntax'],
    ['a number that is none', '[1-2-3]', 'json/syntax'],
    ['a megabyte of brackets', '['.repeat(1_000_000), 'json/too-deep'],
    ['too many values', `[1${',1'.repeat(MAX_VALUES)}]`, 'json/too-many-values'],
    ['too many empty objects', `[{}${',{}'.repeat(MAX_VALUES / 2)}]`, 'json/too-many-values'],
    ['deep nesting', `${'['.repeat(MAX_DEPTH + 1)}${']'.repeat(MAX_DEPTH + 1)}`, 'json/too-deep'],
    ['deeper nesting', `${'['.repeat(500_000)}${']'.repeat(500_000)}`, 'json/too-deep'],
  ])('is not %s', (_what, text, code) => {
    expect(faultOf(text)).toBe(code);
  });

  it.each([
    '{"a":"b:c","d\\"e:f":[":",{"\\\\":1}]}',
    '{"a":{"k":1},"b":{"k":1}}',
    '"\\\\"',
    '[1.50,2e3,-7,123456789012345678e-3]',
    `${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}`,
  ])('is %s', (text) => {
    expect(faultOf(text)).toBe(text.includes('e-3') ? 'json/inexact-number' : 'none');
  });
});

describe('an exact number', () => {
  it('is the shortest form of any double, also with zeros and exponents around it', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        fc.pre(!Object.is(value, -0));
        expect(isExactDouble(String(value))).toBe(true);
        expect(isExactDouble(value.toExponential())).toBe(true);
        if (!String(value).includes('e')) {
          expect(isExactDouble(`${value}${Number.isInteger(value) ? '.' : ''}000`)).toBe(true);
        }
      }),
    );
  });

  it('is any decimal of fifteen digits', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }),
        fc.integer({ min: -200, max: 200 }),
        (digits, power) => {
          expect(isExactDouble(`${digits}e${power}`)).toBe(true);
        },
      ),
    );
  });

  it('is never shared by two decimal values', () => {
    const decimal = fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 20n }), fc.integer({ min: -25, max: 5 }));
    const near = fc.tuple(decimal, fc.bigInt({ min: 1n, max: 1_000n }));
    fc.assert(
      fc.property(near, ([[digits, power], distance]) => {
        const [one, other] = [`${digits}e${power}`, `${digits + distance}e${power}`];
        if (Number(one) === Number(other)) expect(isExactDouble(one) && isExactDouble(other)).toBe(false);
      }),
    );
  });
});
