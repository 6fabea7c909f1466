import type { EndingKind } from '@raypher/link-client';
import { LINK_TRANSPORTS } from '@raypher/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TransportLadder } from './transport-ladder.ts';

const MINUTE = 60_000;

test('what is blocked gives way to the next, and after the last the first is tried again', () => {
  const ladder = new TransportLadder();
  expect(ladder.choose()).toBe('grpc');
  ladder.ended('blocked', 'reset');
  expect(ladder.choose()).toBe('websocket');
  expect(ladder.blocked).toEqual([{ transport: 'grpc', reason: 'reset' }]);
  ladder.ended('blocked', '400');
  expect(ladder.choose()).toBe('long-poll');
  expect(ladder.blocked.map(({ transport }) => transport)).toEqual(['grpc', 'websocket']);
  ladder.ended('blocked', '400');
  expect(ladder.choose()).toBe('grpc');
  expect(ladder.blocked).toEqual([]);
});

test('a refusal, a server that is away and a line that broke change nothing, however often', () => {
  const others = fc.array(fc.constantFrom<EndingKind>('refused', 'away', 'over'), { maxLength: 50 });
  fc.assert(
    fc.property(fc.nat(2), others, (rung, endings) => {
      const ladder = new TransportLadder();
      for (let step = 0; step < rung; step += 1) ladder.ended('blocked', 'reset');
      const before = ladder.choose();
      for (const kind of endings) ladder.ended(kind, 'whatever');
      expect(ladder.choose()).toBe(before);
    }),
  );
});

test('what has worked here is cut off twice in a row before another is tried', () => {
  const ladder = new TransportLadder();
  ladder.worked();
  ladder.ended('blocked', 'reset');
  expect(ladder.choose()).toBe('grpc');
  ladder.worked();
  ladder.ended('blocked', 'reset');
  expect(ladder.choose()).toBe('grpc');
  ladder.ended('blocked', 'reset');
  expect(ladder.choose()).toBe('websocket');
});

test('the better one is tried again after ten to fifteen minutes, not before', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
      let now = 1_000;
      const ladder = new TransportLadder(
        () => now,
        () => random,
      );
      ladder.ended('blocked', 'reset');
      ladder.worked();
      now += 10 * MINUTE - 1;
      expect(ladder.choose()).toBe('websocket');
      now += 5 * MINUTE + 1;
      expect(ladder.choose()).toBe('grpc');
      expect(ladder.blocked).toEqual([]);
    }),
  );
});

test('whatever happens, it names a transport that there is, and blocked ones are better than it', () => {
  const step = fc.record({
    kind: fc.constantFrom<EndingKind>('refused', 'away', 'over', 'blocked'),
    works: fc.boolean(),
    wait: fc.nat(5 * MINUTE),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 0;
      const ladder = new TransportLadder(() => now);
      for (const { kind, works, wait } of steps) {
        now += wait;
        const rung = LINK_TRANSPORTS.indexOf(ladder.choose());
        expect(rung).toBeGreaterThanOrEqual(0);
        expect(ladder.blocked.map(({ transport }) => transport)).toEqual(LINK_TRANSPORTS.slice(0, rung));
        if (works) ladder.worked();
        ladder.ended(kind, 'x');
      }
    }),
  );
});
