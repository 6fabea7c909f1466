import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hmacSha256, maskedSample, recordFinding } from './record-finding.ts';

const key = new Uint8Array(32).fill(7);
const finding = {
  detector: 'x',
  category: 'custom',
  severity: 'low',
  start: 4,
  end: 34,
  confidence: 1,
} as const;

test('a sample shows at most a third, at most four characters at each end, whatever the value', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (value) => {
      const shown = [...maskedSample(value)].length - 1;
      expect(shown).toBeLessThanOrEqual(Math.min(8, [...value].length / 3));
    }),
  );
});

test('a record holds no more of the data than the sample', () => {
  const text = ['key sk', 'abcdefghijklmnopqrstuvwxyz0 end'].join('-');
  const record = recordFinding(text, finding, hmacSha256(key));
  expect(JSON.stringify(record)).not.toContain('defghijkl');
  expect(record).not.toHaveProperty('start');
  expect(record.sample).toBe('sk-a…xyz0');
});

test('the hash is HMAC-SHA-256 of the value, different under another key', () => {
  const value = 'naïve 🙂';
  expect(hmacSha256(key)(value)).toBe(createHmac('sha256', key).update(value).digest('hex'));
  expect(hmacSha256(key)(value)).not.toBe(hmacSha256(key.with(0, 8))(value));
});

test('a key that could be searched through is refused', () => {
  expect(() => hmacSha256(new Uint8Array(15))).toThrow(/at least 16 bytes/);
});
