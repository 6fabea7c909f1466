import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commitPrivate, opensCommitment } from './private-part.ts';

const salt = 'A'.repeat(43);

test('the commitment is the SHA-256 of the canonical bytes with the salt', () => {
  const { content, commitment } = commitPrivate({ samples: ['sk-p…Fh7j'], a: 1 }, salt);
  expect(Buffer.from(content).toString()).toBe(`{"a":1,"salt":"${salt}","samples":["sk-p…Fh7j"]}`);
  expect(commitment).toBe(createHash('sha256').update(content).digest('hex'));
});

test('data cannot bring its own salt', () => {
  const { content } = commitPrivate({ salt: 'known' }, salt);
  expect(Buffer.from(content).toString()).toBe(`{"salt":"${salt}"}`);
});

test('the same data under another salt has another commitment', () => {
  const data = { samples: ['x'] };
  expect(commitPrivate(data, salt).commitment).not.toBe(commitPrivate(data, 'B'.repeat(43)).commitment);
});

test('a part opens its commitment, and with any one byte changed it does not', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (data, at, change) => {
        const { content, commitment } = commitPrivate(data, salt);
        expect(opensCommitment(commitment, content)).toBe(true);
        const altered = Uint8Array.from(content);
        altered[at % altered.length] = (altered[at % altered.length] ?? 0) ^ change;
        expect(opensCommitment(commitment, altered)).toBe(false);
      },
    ),
    { numRuns: 50 },
  );
});
