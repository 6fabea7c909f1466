import { MAX_FRAME_BYTES, RaypherError } from '@raypher/shared';
import { beforeEach, expect, test } from 'vitest';
import { LongPollLine } from './long-poll-line.ts';

const SECOND = 1_000;

let line: LongPollLine;
let left: number;
let drained: number;

beforeEach(() => {
  [left, drained] = [0, 0];
  // The certificate and the socket are of no interest here; the medium tests have real ones.
  line = new LongPollLine({ certificate: undefined, socket: undefined as never });
  line.listen({
    received: () => undefined,
    drained: () => {
      drained += 1;
    },
    left: () => {
      left += 1;
    },
  });
});

function receive(after: number): Promise<readonly Buffer[]> {
  const { promise, resolve } = Promise.withResolvers<readonly Buffer[]>();
  line.receive(after, resolve);
  return promise;
}

test('a session that nobody asks for messages is over after a minute, and not before', () => {
  const now = performance.now();
  // A few seconds may have passed since it was made.
  line.tick(now + 55 * SECOND);
  expect(left).toBe(0);
  line.tick(now + 61 * SECOND);
  expect(left).toBe(1);
  line.tick(now + 62 * SECOND);
  expect(left).toBe(1);
});

test('a request that waits keeps it, and one that lost its connection does not', async () => {
  const deliver = () => undefined;
  line.receive(0, deliver);
  line.tick(performance.now() + 120 * SECOND);
  expect(left).toBe(0);
  line.forget(deliver);
  line.tick(performance.now() + 61 * SECOND);
  expect(left).toBe(1);
});

test('what is said in one go travels in one answer', async () => {
  const answer = receive(0);
  line.write(Buffer.from('a'));
  line.write(Buffer.from('b'));
  expect(String(await answer)).toBe('a,b');
});

test('it says when it is full and when the device has caught up, by what is acknowledged alone', async () => {
  line.write(Buffer.alloc(65 * 1024));
  expect(line.isFull).toBe(true);
  expect(await receive(0)).toHaveLength(1);
  expect(line.isFull).toBe(true);
  expect(drained).toBe(0);
  void receive(1);
  expect(line.isFull).toBe(false);
  expect(drained).toBe(1);
});

test('whoever writes without asking is bounded all the same', () => {
  for (let count = 0; count < 100; count += 1) line.write(Buffer.alloc(MAX_FRAME_BYTES / 2));
  expect(left).toBe(1);
  expect(line.peer()).toBeUndefined();
});

test('whoever asks more often than any agent would loses the session', async () => {
  const ask = () => line.take(1, []);
  for (let count = 0; count < 1_000; count += 1) await ask();
  line.tick(performance.now());
  for (let count = 0; count < 1_000; count += 1) await ask();
  expect(left).toBe(0);
  await expect(ask()).rejects.toMatchObject({ code: 'link/protocol' });
  expect(left).toBe(1);
});

test('last words are fetched, and then the session is over; nobody waits for them long', async () => {
  const refusal = new RaypherError('device/revoked', 'This device was revoked.');
  line.refuse(refusal);
  expect(String(await receive(0))).toContain('device/revoked');
  expect(left).toBe(0);
  expect(await receive(1)).toEqual([]);
  expect(left).toBe(1);

  const other = new LongPollLine({ certificate: undefined, socket: undefined as never });
  let closed = false;
  other.onClosed(() => {
    closed = true;
  });
  other.refuse(refusal);
  other.tick(performance.now() + 6 * SECOND);
  expect(closed).toBe(true);
});

test('of the requests that wait to be read the last two are kept, however many come', async () => {
  line.pause();
  const frames = [Buffer.from('a')];
  const outcomes = Promise.all(
    Array.from({ length: 5 }, () =>
      line.take(1, frames).then(
        () => 'taken',
        (error: RaypherError) => error.code,
      ),
    ),
  );
  // For another reason than before.
  line.pause();
  line.resume();
  expect(await outcomes).toEqual([...Array(3).fill('link/overloaded'), 'taken', 'taken']);
});
