import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBase64, isBase64, toBase64 } from './base64.ts';

test('bytes come back from their base64, which is the one that Node writes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    }),
  );
});

test('no two texts have the same bytes', () => {
  const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/='];
  const text = fc.array(fc.constantFrom(...alphabet, ' ', '-', '\n'), { maxLength: 8 });
  fc.assert(
    fc.property(text, (characters) => {
      const candidate = characters.join('');
      const bytes = fromBase64(candidate);
      expect(isBase64(candidate)).toBe(bytes !== undefined);
      if (bytes !== undefined) expect(toBase64(bytes)).toBe(candidate);
    }),
    { numRuns: 2_000 },
  );
  // Each way to end in one or two bytes.
  for (const last of alphabet.slice(0, 64)) {
    expect(isBase64(`A${last}==`)).toBe(toBase64(Buffer.from(`A${last}==`, 'base64')) === `A${last}==`);
    expect(isBase64(`AA${last}=`)).toBe(toBase64(Buffer.from(`AA${last}=`, 'base64')) === `AA${last}=`);
  }
});
