import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { canonicalBytes } from '@raypher/ledger';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CanonicalError } from './canonical-error.ts';
import {
  MAX_REQUEST_DEPTH,
  MAX_REQUEST_LENGTH,
  MAX_REQUEST_VALUES,
  writeCanonical,
} from './write-canonical.ts';

const VECTORS = new URL('../../vectors/', import.meta.url);
const { documents } = z
  .object({ documents: z.array(z.object({ name: z.string(), input: z.string(), output: z.string() })) })
  .parse(JSON.parse(readFileSync(new URL('rfc8785.json', VECTORS), 'utf8')));
const numbers = gunzipSync(readFileSync(new URL('es6-numbers-10000.csv.gz', VECTORS))).toString('latin1');

const general = (value: unknown) => new TextDecoder().decode(canonicalBytes(value));

function faultOf(value: unknown): string {
  try {
    writeCanonical(value);
  } catch (error) {
    if (error instanceof CanonicalError) return error.code;
    throw error;
  }
  return 'none';
}

function double(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

/** Any JSON whose texts are composed already and whose numbers are within the rules. */
const plainJson = fc
  .jsonValue({ maxDepth: 5 })
  .map((value) => JSON.parse(JSON.stringify(value).normalize('NFC')))
  .filter((value) => faultOf(value) === 'none');

describe('the reference vectors of RFC 8785', () => {
  it.each(documents)('$name has the published bytes', ({ input, output }) => {
    expect(general(JSON.parse(input))).toBe(output);
  });

  it.each(documents.filter(({ name }) => !['values', 'weird'].includes(name)))(
    '$name has them as a request, too',
    ({ input, output }) => {
      expect(writeCanonical(JSON.parse(input)).text).toBe(output);
    },
  );

  it('differ for requests where the rules for requests are stricter', () => {
    const refused = documents.find(({ name }) => name === 'values');
    expect(faultOf(JSON.parse(refused?.input ?? ''))).toBe('json/large-integer');
    const composed = documents.find(({ name }) => name === 'weird');
    expect(writeCanonical(JSON.parse(composed?.input ?? '')).text).toBe(
      // U+FB33 is excluded from composition (UAX #15): its normal form is two characters, which sort elsewhere.
      '{"1":"One","</script>":"Browser Challenge","\u0080":"Control\u007f","ö":"Latin Small Letter O With Diaeresis",' +
        '"\u05d3\u05bc":"Hebrew Letter Dalet With Dagesh","€":"Euro Sign","😂":"Smiley"}',
    );
  });

  it('ten thousand numbers have the published spelling', () => {
    expect(createHash('sha256').update(numbers).digest('hex')).toBe(
      'b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892',
    );
    const lines = numbers.trimEnd().split('\n');
    expect(lines).toHaveLength(10_000);
    let asRequest = 0;
    for (const line of lines) {
      const [bits = '', expected] = line.split(',');
      const value = double(bits);
      expect(general(value)).toBe(expected);
      if (Object.is(value, -0) || (Number.isInteger(value) && !Number.isSafeInteger(value))) continue;
      expect(writeCanonical(value).text).toBe(expected);
      asRequest += 1;
    }
    expect(asRequest).toBeGreaterThan(5_000);
  });
});

describe('a request', () => {
  it('has the same bytes as the general writer gives', () => {
    fc.assert(
      fc.property(plainJson, (value) => {
        expect(writeCanonical(value).text).toBe(general(value));
      }),
    );
  });

  it('has one text however its members are ordered', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (record) => {
        const reversed = Object.fromEntries(Object.entries(record).reverse());
        expect(faultOf(reversed)).toBe(faultOf(record));
        if (faultOf(record) !== 'none') return;
        expect(writeCanonical(reversed).text).toBe(writeCanonical(record).text);
      }),
    );
  });

  it('shares its text with no other', () => {
    fc.assert(
      fc.property(plainJson, plainJson, (one, other) => {
        const same = writeCanonical(one).text === writeCanonical(other).text;
        expect(JSON.parse(writeCanonical(one).text)).toEqual(one);
        if (same) expect(one).toEqual(other);
      }),
    );
  });

  it.each([
    [' a', 'a'],
    ['a ', 'a'],
    ['a\u0000', 'a'],
    ['\ufeffa', 'a'],
    ['A', 'a'],
    ['ﬁ', 'fi'],
    ['\u212a', '\u017f'],
    [
      ['b', 'a'],
      ['a', 'b'],
    ],
    ['5', 5],
    [null, 'null'],
    [{}, []],
    [{ a: null }, {}],
    [{ $int: '9007199254740993' }, '9007199254740993'],
  ])('%j is not %j', (one, other) => {
    expect(writeCanonical(one).text).not.toBe(writeCanonical(other).text);
  });

  it('is composed, and says so', () => {
    expect(writeCanonical({ 'cafe\u0301': 'e\u0301' })).toEqual({ text: '{"café":"é"}', normalised: true });
    expect(writeCanonical({ café: 'é' })).toEqual({ text: '{"café":"é"}', normalised: false });
  });

  it('with a getter is read once', () => {
    let reads = 0;
    const shifty = {
      get path() {
        reads += 1;
        return reads === 1 ? '/tmp/a' : '/etc/shadow';
      },
    };
    expect(writeCanonical(shifty).text).toBe('{"path":"/tmp/a"}');
    expect(reads).toBe(1);
  });

  it('spells large integers in one way only', () => {
    const spelt = '{"$int":"9007199254740993"}';
    expect(writeCanonical(9007199254740993n).text).toBe(spelt);
    expect(writeCanonical({ $int: '9007199254740993' }).text).toBe(spelt);
    expect(writeCanonical(-5n).text).toBe('-5');
  });

  class Path {
    name = 'x';
  }
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)]);

  it.each<[string, unknown]>([
    ['json/large-integer', 2 ** 53],
    ['json/large-integer', -(2 ** 53)],
    ['json/large-integer', 1e300],
    ['json/negative-zero', -0],
    ['json/not-a-number', Number.NaN],
    ['json/not-a-number', Number.POSITIVE_INFINITY],
    ['json/lone-surrogate', '\ud800'],
    ['json/lone-surrogate', { 'a\udc00': 1 }],
    ['json/reserved-name', JSON.parse('{"__proto__":{"admin":true}}')],
    ['json/colliding-names', { é: 1, 'e\u0301': 2 }],
    ['json/integer-form', { $int: '5' }],
    ['json/integer-form', { $int: '9007199254740991' }],
    ['json/integer-form', { $int: '09007199254740993' }],
    ['json/integer-form', { $int: '+9007199254740993' }],
    ['json/integer-form', { $int: 9 }],
    ['json/integer-form', { $int: '9007199254740993', also: 1 }],
    ['json/not-data', undefined],
    ['json/not-data', { a: undefined }],
    ['json/not-data', { a: () => 1 }],
    ['json/not-data', { [Symbol('s')]: 1 }],
    ['json/not-data', new Date(0)],
    ['json/not-data', new Map()],
    ['json/not-data', new Path()],
    ['json/not-data', Object('boxed')],
    ['json/not-data', Array(3)],
    ['json/not-data', { toJSON: () => 'other' }],
    ['json/too-deep', circular],
    ['json/too-deep', nested(MAX_REQUEST_DEPTH)],
    ['json/too-large', 'a'.repeat(MAX_REQUEST_LENGTH)],
    ['json/too-large', 'é'.repeat(MAX_REQUEST_LENGTH + 1)],
    ['json/too-many-values', Array(MAX_REQUEST_VALUES).fill(1)],
    ['json/too-many-marks', `a${'\u0301\u0323'.repeat(300_000)}`],
    ['json/too-many-marks', { [`a${'\u0301'.repeat(31)}`]: 1 }],
    ['json/too-large', '\u0001'.repeat(MAX_REQUEST_LENGTH / 4)],
    ['json/too-large', { ['k'.repeat(MAX_REQUEST_LENGTH)]: 1 }],
  ])('is refused with %s', (code, value) => {
    expect(faultOf(value)).toBe(code);
  });

  it.each(['Z\u0351\u036b\u0343\u036a\u0302', 'n\u0303'.repeat(10_000), '\u1112\u1161\u11ab'.repeat(10_000)])(
    'may have marks as texts do',
    (text) => {
      expect(JSON.parse(writeCanonical(text).text)).toBe(text.normalize('NFC'));
    },
  );

  it('may be nested as deep as the limit', () => {
    expect(faultOf(nested(MAX_REQUEST_DEPTH - 1))).toBe('none');
  });
});
