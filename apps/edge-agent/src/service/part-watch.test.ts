import { expect, test } from 'vitest';
import { PartWatch } from './part-watch.ts';
import type { PartHealth } from './supervisor.ts';

const part = (name: string, state: PartHealth['state']): PartHealth => ({
  name,
  state,
  restarts: 0,
  reason: '',
});

test('a part that comes back in time leaves the service healthy', () => {
  const watch = new PartWatch();
  expect(watch.isHealthy([part('proxy', 'restarting')], 0)).toBe(true);
  expect(watch.isHealthy([part('proxy', 'restarting')], 119_999)).toBe(true);
  expect(watch.isHealthy([part('proxy', 'running')], 130_000)).toBe(true);
  expect(watch.isHealthy([part('proxy', 'restarting')], 140_000)).toBe(true);
});

test('a part that stays down for two minutes makes it unhealthy, whatever the others do', () => {
  const watch = new PartWatch();
  const parts = [part('watch', 'running'), part('proxy', 'restarting'), part('control socket', 'running')];
  expect(watch.isHealthy(parts, 1000)).toBe(true);
  expect(watch.isHealthy(parts, 121_000)).toBe(false);
});

test('every part is counted from its own failure', () => {
  const watch = new PartWatch();
  watch.isHealthy([part('a', 'restarting'), part('b', 'running')], 0);
  expect(watch.isHealthy([part('a', 'running'), part('b', 'restarting')], 100_000)).toBe(true);
  expect(watch.isHealthy([part('a', 'running'), part('b', 'restarting')], 150_000)).toBe(true);
});
