import { expect, test } from 'vitest';
import { parseCliOptions } from './cli-options.ts';

const NEEDED = ['--server', 'https://127.0.0.1:8443', '--token-file', 'token'];

test('server and token file are enough', () => {
  expect(parseCliOptions(NEEDED)).toMatchObject({
    devices: 20,
    seed: 'demo',
    eventsPerSecond: 1,
    applyDelayMs: [0, 0],
  });
});

test('a delay may be a range', () => {
  expect(parseCliOptions([...NEEDED, '--apply-delay-ms', '20-80']).applyDelayMs).toEqual([20, 80]);
  expect(parseCliOptions([...NEEDED, '--apply-delay-ms', '15']).applyDelayMs).toEqual([15, 15]);
});

test.each([
  [[], /--server/],
  [['--server', 'http://127.0.0.1:1', '--token-file', 'x'], /--server/],
  [NEEDED.slice(0, 2), /--token-file/],
  [[...NEEDED, '--devices', '0'], /--devices/],
  [[...NEEDED, '--devices', 'many'], /--devices/],
  [[...NEEDED, '--apply-delay-ms', '-5'], /apply-delay-ms/],
  [[...NEEDED, '--drop-per-minute', '2'], /--drop-per-minute/],
  [[...NEEDED, '--devizes', '3'], /devizes/],
])('%j is refused by name', (args, message) => {
  expect(() => parseCliOptions(args)).toThrow(message);
});
