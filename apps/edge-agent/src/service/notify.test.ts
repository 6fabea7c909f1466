import { expect, test } from 'vitest';
import { Notifier, takeNotifyTarget } from './notify.ts';

test('what the manager set is read once, and hidden from what the service starts', () => {
  const environment: NodeJS.ProcessEnv = {
    PATH: '/bin',
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: '30000000',
    WATCHDOG_PID: '17',
  };
  expect(takeNotifyTarget(environment, 17)).toEqual({ socket: '/run/systemd/notify', watchdogMs: 30_000 });
  expect(environment).toEqual({ PATH: '/bin' });
  expect(takeNotifyTarget(environment, 17)).toBeUndefined();
});

test.each([
  ['another process is watched', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '18' }],
  ['there is no watchdog', {}],
  ['the time is no number', { WATCHDOG_USEC: 'soon' }],
  ['the time is nothing', { WATCHDOG_USEC: '0' }],
])('no pings are sent when %s', (_, environment) => {
  expect(takeNotifyTarget({ NOTIFY_SOCKET: '@x', ...environment }, 17)).toEqual({
    socket: '@x',
    watchdogMs: undefined,
  });
});

test.skipIf(process.platform !== 'linux')(
  'a manager that does not listen is reported once and stops nothing',
  () => {
    const errors: unknown[] = [];
    const notifier = new Notifier(
      { socket: '@raypher-no-manager', watchdogMs: undefined },
      { parts: () => [], failed: (error) => errors.push(error) },
    );
    notifier.ready();
    notifier.reloading();
    notifier.reloaded();
    notifier.stopping();
    expect(errors).toHaveLength(1);
  },
);
