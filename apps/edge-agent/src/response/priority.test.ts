import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { atHighestPriority } from './priority.ts';

test('two emergencies at once leave the priority as it was before both', async () => {
  const before = getPriority();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const works = [atHighestPriority(() => first.promise), atHighestPriority(() => second.promise)];
  const during = getPriority();
  expect(during).toBeLessThanOrEqual(before);
  first.resolve();
  await works[0];
  expect(getPriority()).toBe(during);
  second.resolve();
  await works[1];
  expect(getPriority()).toBe(before);
});
