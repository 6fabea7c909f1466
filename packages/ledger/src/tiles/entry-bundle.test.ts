import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEntryBundle, encodeEntryBundle, MAX_LOG_ENTRY_BYTES } from './entry-bundle.ts';

const malformed = expect.objectContaining({ code: 'ledger/malformed' });

test('entries come back from their bundle, and a bundle is the only one of its entries', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 256 }), (entries) => {
      const bytes = encodeEntryBundle(entries);
      expect(decodeEntryBundle(bytes)).toEqual(entries);
      expect(encodeEntryBundle(decodeEntryBundle(bytes))).toEqual(bytes);
    }),
  );
});

test('a bundle that is cut anywhere but between entries is refused', () => {
  const bytes = encodeEntryBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  for (const length of [1, 2, 3, 4, 6, 7]) {
    expect(() => decodeEntryBundle(bytes.subarray(0, length))).toThrow(malformed);
  }
  expect(decodeEntryBundle(bytes.subarray(0, 5))).toHaveLength(1);
});

test('an entry of 65,535 bytes fits, a longer one and a 257th do not', () => {
  const largest = new Uint8Array(MAX_LOG_ENTRY_BYTES).fill(7);
  expect(decodeEntryBundle(encodeEntryBundle([largest]))).toEqual([largest]);
  expect(() => encodeEntryBundle([new Uint8Array(MAX_LOG_ENTRY_BYTES + 1)])).toThrow(RangeError);
  expect(() => encodeEntryBundle(Array.from({ length: 257 }, () => new Uint8Array()))).toThrow(RangeError);
  expect(() => decodeEntryBundle(new Uint8Array(2 * 257))).toThrow(malformed);
});
