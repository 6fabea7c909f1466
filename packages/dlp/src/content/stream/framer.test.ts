import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFramer } from './framer.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Where the framer cuts, however the stream arrives. */
function cuts(chunks: readonly Uint8Array[]): number[] {
  const framer = createFramer('sse', 1 << 20, () => new Error('too long'));
  const ends: number[] = [];
  let at = 0;
  for (const chunk of chunks)
    for (const frame of framer.push(chunk)) {
      at += frame.length;
      ends.push(at);
    }
  return ends;
}

test('a stream is cut in the same places whether it arrives whole, byte by byte, or in any pieces', () => {
  const piece = fc.constantFrom('data: a', 'event: b', ':', '\n', '\n', '\r', '\r\n', 'é');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(60), { maxLength: 6 }), (pieces, at) => {
      const whole = bytesOf(pieces.join(''));
      const single = [...whole].map((_byte, index) => whole.subarray(index, index + 1));
      const points = [0, ...at.map((one) => Math.min(one, whole.length)).sort((a, b) => a - b), whole.length];
      const some = points.slice(1).map((end, index) => whole.subarray(points[index], end));
      // A CR at the very end may have an LF to come.
      const settled = (ends: number[]) => ends.filter((end) => end < whole.length);
      expect(settled(cuts([whole]))).toEqual(settled(cuts(single)));
      expect(settled(cuts(some))).toEqual(settled(cuts(single)));
    }),
    { numRuns: 500 },
  );
});

test('an event ends with an empty line', () => {
  expect(cuts([bytesOf('data: a\n\ndata: b\ndata: c\n\n\ndata: d\n')])).toEqual([9, 26, 27]);
});
