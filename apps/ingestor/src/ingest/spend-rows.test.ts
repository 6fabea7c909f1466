import { expect, test } from 'vitest';
import { isModelCall } from './spend-rows.ts';

const call = (data: Record<string, string | number | boolean>) =>
  isModelCall({ type: 'network.request', data: { model: 'gpt-4o', status: 200, denied: false, ...data } });

test.each<[string, Record<string, string | number | boolean>, boolean]>([
  ['that was answered, and whose cost nobody knows', {}, true],
  ['that was answered, with its cost', { costMicros: 5 }, true],
  ['whose client hung up, with its cost', { status: 499, costMicros: 5 }, true],
  ['that failed at the provider', { status: 529 }, false],
  ['that never arrived there', { status: 502 }, false],
  ['that was refused', { status: 403, denied: true }, false],
])('a call %s', (_what, data, isPaid) => {
  expect(call(data)).toBe(isPaid);
});

test('what uses no model is no call of one', () => {
  expect(isModelCall({ type: 'network.request', data: { status: 200 } })).toBe(false);
  expect(isModelCall({ type: 'network.tunnel', data: { model: 'x', status: 200 } })).toBe(false);
});
