import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RaypherError } from './errors.ts';
import { joinFrames, splitFrames } from './link-http.ts';

const frames = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 });

test('what is joined is split into the same frames', () => {
  fc.assert(
    fc.property(frames, (given) => {
      expect(splitFrames(joinFrames(given)).map((frame) => [...frame])).toEqual(
        given.map((frame) => [...frame]),
      );
    }),
  );
});

test('anything cut off within a frame is refused, never read as fewer frames', () => {
  fc.assert(
    fc.property(frames, fc.nat(), (given, cut) => {
      const whole = joinFrames(given);
      const part = whole.subarray(0, whole.length === 0 ? 0 : cut % whole.length);
      const ends = given.map((_, index) => joinFrames(given.slice(0, index + 1)).length);
      if ([0, ...ends].includes(part.length))
        expect(splitFrames(part).length).toBeLessThanOrEqual(given.length);
      else expect(() => splitFrames(part)).toThrowError(RaypherError);
    }),
  );
});

test('bytes of anybody are frames or refused, and no length reaches past the end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        const total = splitFrames(Buffer.from(bytes)).reduce((sum, frame) => sum + frame.length, 0);
        expect(total).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toMatchObject({ code: 'link/protocol' });
      }
    }),
  );
  expect(() => splitFrames(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x01]))).toThrowError(/cut off/);
});
