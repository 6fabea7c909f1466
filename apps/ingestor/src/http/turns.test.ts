import { describe, expect, test } from 'vitest';
import { Turns } from './turns.ts';

const STAYS = new AbortController().signal;

/** Whether it has come to something by the time that everything queued has run. */
async function state(promise: Promise<(() => void) | undefined>): Promise<'waits' | 'goes' | 'refused'> {
  const settled = promise.then((end) => (end === undefined ? 'refused' : 'goes'));
  return Promise.race([settled, new Promise<'waits'>((resolve) => setImmediate(resolve, 'waits'))]);
}

describe('turns', () => {
  test('go in order, so many at once, and refuse whom the queue has no room for', async () => {
    const turns = new Turns(2, 2);
    const all = Array.from({ length: 5 }, () => turns.take(STAYS));
    expect(await Promise.all(all.map(state))).toEqual(['goes', 'goes', 'waits', 'waits', 'refused']);
    (await all[1])?.();
    expect(await Promise.all(all.slice(2, 4).map(state))).toEqual(['goes', 'waits']);
  });

  test('an end that is told twice frees one place', async () => {
    const turns = new Turns(1, 2);
    const first = await turns.take(STAYS);
    const waiting = [turns.take(STAYS), turns.take(STAYS)];
    first?.();
    first?.();
    expect(await Promise.all(waiting.map(state))).toEqual(['goes', 'waits']);
  });

  test('who is gone while waiting leaves the queue, and who is gone before does not enter it', async () => {
    const turns = new Turns(1, 1);
    const first = await turns.take(STAYS);
    const leaves = new AbortController();
    const left = turns.take(leaves.signal);
    leaves.abort();
    expect(await state(left)).toBe('refused');
    expect(await turns.take(leaves.signal)).toBeUndefined();
    const next = turns.take(STAYS);
    expect(await state(next)).toBe('waits');
    first?.();
    (await next)?.();
    expect(turns.isIdle).toBe(true);
  });
});
