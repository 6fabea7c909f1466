import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { request } from '../gate/gate.test-support.ts';
import { answerSchema, setUp } from './handle-line.test-support.ts';
import { METHODS } from './methods.ts';

const CAR = 'a'.repeat(64);

describe('any line', () => {
  const methods = [...METHODS.keys()];
  const params = fc.dictionary(
    fc.constantFrom('request', 'permit', 'car', 'subject', 'revision', 'nonce', 'lifetime_ms', 'uses', 'x'),
    fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(CAR, 'user/1000', 'process/1000/42/777', 1, request('allow'), 'n'.repeat(20)),
    ),
  );
  const callLine = fc
    .record(
      {
        jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, fc.jsonValue()),
        id: fc.oneof({ weight: 9, arbitrary: fc.integer() }, fc.jsonValue()),
        method: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...methods) }, fc.jsonValue()),
        params: fc.oneof({ weight: 9, arbitrary: params }, fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value));
  const broken = fc
    .tuple(
      callLine,
      fc.nat(),
      fc.nat(),
      fc.constantFrom('', '"', '{', '[', '}', '\\', '\0', '-', '1e999', '\ud800', ','),
    )
    .map(([line, at, length, text]) => {
      const start = at % (line.length + 1);
      return line.slice(0, start) + text + line.slice(start + (length % 5));
    });
  const anyLine = fc.oneof(
    callLine,
    broken,
    fc.string({ unit: 'binary' }),
    fc.array(callLine, { maxLength: 20 }).map((all) => `[${all}]`),
  );

  it('has one line of valid JSON-RPC as its answer, or none, and never a permit that was not earned', () => {
    const { send, internal } = setUp();
    let answered = 0;
    fc.assert(
      fc.property(anyLine, (line) => {
        const answer = send(line);
        if (answer === undefined) return;
        answered += 1;
        expect(answer).not.toMatch(/[\n\r]/);
        const parsed: unknown = JSON.parse(answer);
        for (const one of Array.isArray(parsed) ? parsed : [parsed]) {
          const { result, error } = answerSchema.parse(one);
          expect(result === undefined).not.toBe(error === undefined);
          if (result?.permit !== undefined) expect(result.verdict).toBe('ALLOW');
        }
      }),
      { numRuns: 1_500 },
    );
    expect(internal).toEqual([]);
    expect(answered).toBeGreaterThan(500);
  }, 60_000);

  it('has the same answer from two gates in the same state', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(callLine, broken), { maxLength: 10 }), (lines) => {
        const [one, other] = [setUp(), setUp()];
        for (const line of lines) expect(one.send(line)).toBe(other.send(line));
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});
