import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Progress } from './progress.mjs';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** What is printed to whoever has no terminal. */
function printed() {
  /** @type {string[]} */
  const lines = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  return lines;
}

describe('progress without a terminal', () => {
  it('says of what takes long that it is being done', async () => {
    vi.useFakeTimers();
    const lines = printed();
    const { promise, resolve } = Promise.withResolvers();
    const step = new Progress().step('Installing npm packages', () => promise);
    vi.advanceTimersByTime(60_000);
    expect(lines).toEqual(['  … Installing npm packages']);
    resolve(undefined);
    await step;
    expect(lines[1]).toMatch(/^ {2}✓ Installing npm packages +60\.0 s$/);
  });

  it('says once of what is soon done that it was, and of what failed that it did', async () => {
    const lines = printed();
    await new Progress().step('One', () => 1);
    const failing = new Progress().step('Two', async () => {
      await delay(1);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(lines.map((line) => line.trim().slice(0, 5))).toEqual(['✓ One', '✗ Two']);
  });
});
