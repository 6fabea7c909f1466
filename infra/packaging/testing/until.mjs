import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for what only asking tells.
 *
 * @param {() => Promise<boolean>} holds
 */
export async function until(holds) {
  const deadline = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('It did not happen within a minute.');
    await delay(50);
  }
}
