import { expect, test } from 'vitest';
import { SeededRandom } from '../random.ts';
import { GOOD_BEHAVIOUR } from './device-behaviour.ts';
import { DeviceClock } from './device-clock.ts';

const NOON = Date.UTC(2026, 10, 30, 12);
const HOUR = 3_600_000;

function clocks(): DeviceClock[] {
  return Array.from({ length: 200 }, (_, index) => new DeviceClock(new SeededRandom(`clock/${index}`), NOON));
}

test('a good clock is right', () => {
  for (const clock of clocks()) expect(clock.read(NOON + HOUR, GOOD_BEHAVIOUR)).toBe(NOON + HOUR);
});

test('wrong clocks are wrong both ways, within what is allowed, and stay as wrong as they are', () => {
  const behaviour = { ...GOOD_BEHAVIOUR, clockSkewMs: 5 * HOUR };
  const errors = clocks().map((clock) => clock.read(NOON, behaviour) - NOON);
  expect(Math.max(...errors)).toBeGreaterThan(4 * HOUR);
  expect(Math.min(...errors)).toBeLessThan(-4 * HOUR);
  expect(errors.every((error) => Math.abs(error) <= 5 * HOUR)).toBe(true);
  expect(clocks().map((clock) => clock.read(NOON + HOUR, behaviour) - NOON - HOUR)).toEqual(errors);
});

test('a drifting clock is right at first and goes further wrong', () => {
  const behaviour = { ...GOOD_BEHAVIOUR, clockDrift: 0.5 };
  for (const clock of clocks()) {
    expect(clock.read(NOON, behaviour)).toBe(NOON);
    const [early, late] = [1, 2].map((hours) =>
      Math.abs(clock.read(NOON + hours * HOUR, behaviour) - NOON - hours * HOUR),
    );
    expect(late).toBeGreaterThan(early ?? 0);
    expect(late).toBeLessThanOrEqual(HOUR);
  }
});
