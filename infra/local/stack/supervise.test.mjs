import { startDaemon } from '@raypher/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { supervise } from './supervise.mjs';

/** @type {import('./supervise.mjs').Supervised[]} */
const started = [];
afterEach(async () => {
  for (const supervised of started.splice(0)) await supervised.stop();
});

/**
 * @param {object} [options]
 * @param {() => string} [options.script]
 */
async function start({ script = () => '' } = {}) {
  /** @type {import('./supervise.mjs').SupervisionEvent[]} */
  const events = [];
  const supervised = await supervise({
    name: 'it',
    logFile: '',
    launch: () =>
      startDaemon({
        command: process.execPath,
        args: ['-e', script() || `console.log('ready'); setInterval(() => {}, 1000)`],
        ready: /ready/,
        stopSignal: 'SIGTERM',
      }),
    onEvent: (event) => events.push(event),
  });
  started.push(supervised);
  return { supervised, events };
}

/** @param {number | undefined} pid */
const isAlive = (pid) => {
  try {
    process.kill(pid ?? 0, 0);
    return true;
  } catch {
    return false;
  }
};

describe('a supervised process', () => {
  it('comes again when it dies, and that is told', async () => {
    const { supervised, events } = await start();
    const before = supervised.pid;
    supervised.kill();
    await expect.poll(() => events.length).toBe(2);
    await supervised.untilUp();
    expect(supervised.pid).not.toBe(before);
    expect(events).toMatchObject([
      { type: 'died', exit: { signal: 'SIGKILL' }, againInMs: 250 },
      { type: 'restarted', pid: supervised.pid },
    ]);
  });

  it('is waited for longer after every death', async () => {
    const { supervised, events } = await start();
    for (const deaths of [1, 2, 3]) {
      supervised.kill();
      await expect.poll(() => events.filter(({ type }) => type === 'died').length).toBe(deaths);
      await supervised.untilUp();
    }
    const pauses = events.flatMap((event) => (event.type === 'died' ? [event.againInMs] : []));
    expect(pauses).toEqual([250, 500, 1000]);
  });

  it('is tried again when it does not come back at once', async () => {
    let broken = false;
    const { supervised, events } = await start({ script: () => (broken ? `process.exit(1)` : '') });
    broken = true;
    supervised.kill();
    await expect.poll(() => events.some(({ type }) => type === 'not-restarted')).toBe(true);
    broken = false;
    await supervised.untilUp();
    expect(isAlive(supervised.pid)).toBe(true);
  });

  it('stays away when it was stopped, until it is started', async () => {
    const { supervised, events } = await start();
    const before = supervised.pid;
    await supervised.stop();
    expect(isAlive(before)).toBe(false);
    expect(supervised.pid).toBeUndefined();
    await supervised.start();
    expect(isAlive(supervised.pid)).toBe(true);
    expect(events).toEqual([]);
  });

  it('leaves no process behind when it is stopped while it comes back', async () => {
    const { supervised, events } = await start();
    supervised.kill();
    await expect.poll(() => events.length).toBe(1);
    await supervised.stop();
    expect(supervised.pid).toBeUndefined();
    expect(events.every(({ type }) => type === 'died' || type === 'restarted')).toBe(true);
  });

  it('fails to the caller when it does not even start', async () => {
    await expect(
      start({ script: () => `console.error('bad configuration'); process.exit(1)` }),
    ).rejects.toThrow('bad configuration');
  });
});
