import { expect, test } from 'vitest';
import { parseCliOptions, USAGE } from './cli-options.ts';
import { TRAIT_NAMES, TRAITS } from './device/device-behaviour.ts';

const NEEDED = ['--server', 'https://127.0.0.1:8443', '--token-file', 'token'];

test('server and token file are enough', () => {
  expect(parseCliOptions(NEEDED)).toMatchObject({
    devices: 20,
    seed: 'demo',
    eventsPerSecond: 1,
    transport: 'grpc',
    ramp: { kind: 'steady', seconds: 30 },
    behaviour: {},
  });
});

test('a delay may be a range', () => {
  expect(parseCliOptions([...NEEDED, '--apply-delay-ms', '20-80']).behaviour).toEqual({
    applyDelayMs: [20, 80],
  });
  expect(parseCliOptions([...NEEDED, '--apply-delay-ms', '15']).behaviour).toEqual({
    applyDelayMs: [15, 15],
  });
});

test('every way to misbehave has a flag, and the help names it', () => {
  const values = { range: '5-9', share: '0.5', amount: '3', protocol: 'fewer-fields' };
  const flags = TRAIT_NAMES.flatMap((name) => [`--${TRAITS[name].flag}`, values[TRAITS[name].kind]]);
  const { behaviour } = parseCliOptions([...NEEDED, ...flags]);
  expect(Object.keys(behaviour)).toEqual(TRAIT_NAMES);
  expect(behaviour).toMatchObject({ readDelayMs: [5, 9], badBatch: 0.5, hangPerMinute: 3 });
  for (const name of TRAIT_NAMES) expect(USAGE).toContain(`--${TRAITS[name].flag} `);
});

test.each([
  [[], /--server/],
  [['--server', 'http://127.0.0.1:1', '--token-file', 'x'], /--server/],
  [NEEDED.slice(0, 2), /--token-file/],
  [[...NEEDED, '--devices', '0'], /--devices/],
  [[...NEEDED, '--devices', 'many'], /--devices/],
  [[...NEEDED, '--apply-delay-ms', '-5'], /apply-delay-ms/],
  [[...NEEDED, '--transport', 'pigeon'], /--transport/],
  [[...NEEDED, '--duplicate-batch', '2'], /--duplicate-batch/],
  [[...NEEDED, '--drop-per-minute', '-1'], /--drop-per-minute|ambiguous/],
  [[...NEEDED, '--protocol', 'newest'], /--protocol/],
  [[...NEEDED, '--ramp', 'wild'], /--ramp/],
  [[...NEEDED, '--devizes', '3'], /devizes/],
])('%j is refused by name', (args, message) => {
  expect(() => parseCliOptions(args)).toThrow(message);
});
