import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestControlPlane } from '../testing/test-control-plane.ts';
import { type TestDevice, TestFleet } from '../testing/test-fleet.ts';
import { waitMs } from './backoff.ts';

let plane: TestControlPlane;

beforeEach(async () => {
  plane = await TestControlPlane.start();
});
afterEach(() => plane.stop());

async function started(fleet: TestFleet): Promise<TestDevice> {
  const device = fleet.open();
  device.uplink.start();
  return device;
}

function status(device: TestDevice) {
  return expect.poll(() => device.uplink.status);
}

test('a device that waits for approval says so, and is let in by its next attempt after it', async () => {
  plane.admits = 'pending';
  const fleet = await TestFleet.enrol(plane);
  expect(fleet.enrolment).toMatchObject({ status: 'pending' });
  const device = await started(fleet);
  await status(device).toMatchObject({
    state: 'waiting',
    code: 'device/pending',
    reason: expect.stringContaining('administrator'),
  });
  expect(plane.received).toEqual([]);
  const greeted = plane.hello();
  plane.decide('active');
  await greeted;
  await status(device).toMatchObject({ state: 'connected', code: '', reason: '' });
  await fleet.close();
});

test.each(['paused', 'revoked'] as const)(
  'a device that is %s is cut off, and goes on enforcing',
  async (word) => {
    const fleet = await TestFleet.enrol(plane);
    const device = fleet.open();
    await fleet.connect(device);
    await plane.deploy(fleet.policy(4));
    plane.retryAfterMs = undefined;
    plane.decide(word);
    await status(device).toMatchObject({ state: 'waiting', code: `device/${word}` });
    expect(device.policy.current()).toMatchObject({ revision: 4 });
    await fleet.close();
  },
);

test('a wait ends at once when there is a reason to try again', async () => {
  plane.admits = 'paused';
  plane.retryAfterMs = undefined;
  const fleet = await TestFleet.enrol(plane);
  const device = await started(fleet);
  await status(device).toMatchObject({ state: 'waiting', code: 'device/paused' });
  plane.decide('active');
  device.uplink.reconnect('the certificate was renewed');
  await status(device).toMatchObject({ state: 'connected' });
  await fleet.close();
});

test('the code alone is explained when the sentence does not arrive', async () => {
  const fleet = await TestFleet.enrol(plane);
  const device = fleet.open();
  await fleet.connect(device);
  plane.send({ $case: 'retry', value: { afterMs: 60_000, reason: 'device/pending' } });
  await status(device).toMatchObject({
    code: 'device/pending',
    reason: 'an administrator has to approve this device',
  });
  await fleet.close();
});

test.each([
  ['device/pending', undefined, [10_000, 14_995]],
  ['device/paused', undefined, [60_000, 89_970]],
  ['device/revoked', undefined, [60_000, 89_970]],
  ['device/pending', 12_000, [12_000, 12_000]],
  ['link/overloaded', 12_000, [12_000, 17_994]],
  ['link/overloaded', undefined, [250, 500]],
] as const)('after %s, with %s ms asked for, the device waits between %j', (code, retryAfterMs, expected) => {
  expect([0, 0.999].map((random) => waitMs({ code, retryAfterMs }, 0, random))).toEqual(expected);
});
