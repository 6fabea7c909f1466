import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from './parse-json.ts';

test('every JSON text is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 2), (value, space) => {
      const text = JSON.stringify(value, null, space);
      expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test.each([
  '{"size":1,"size":2}',
  '{"a":1,"\\u0061":2}',
  '{"a":{"b":1},"a":[]}',
  '[{"a":[{}],"b":{"c":1, "c" : 1}}]',
  '{"a":"\\"b\\":","a":1}',
])('%s has two members of one name, and is not read', (text) => {
  expect(JSON.parse(text)).toBeDefined();
  expect(parseJson(text)).toBeUndefined();
});

test.each(['{"a":{"a":1},"b":[{"a":1},{"a":2}]}', '{"a":"{\\"a\\":1}"}', '"a"', '1', 'true'])(
  '%s has not',
  (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  },
);

test('what is no JSON is not read, also with brackets without end', () => {
  for (const text of ['', '{', '{"a":1}x', '['.repeat(200_000)]) expect(parseJson(text)).toBeUndefined();
});
